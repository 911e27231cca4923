"""How fast conversions are recorded: one by one and in batches over HTTP, and from a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import orjson
import psutil
from django.conf import settings
from django.db.models import Max, Min

from actions.api.tokens import create_token
from actions.models import Action
from benchmarks import callers, memory, reports, rows
from benchmarks.processes import running, running_web
from benchmarks.reports import Shop
from benchmarks.results import CannotRunError, Figure, at_least, at_most

CALLERS, BATCH_CALLERS = 8, 2
LINES = 10_000  # As many as a batch may have.
_POLL_SECONDS = 0.5
_SETTLED = 0.2  # After this share of a file's time, memory must not grow.


def figures(full: bool) -> Iterator[Figure]:
    """Nothing is sent meanwhile; deliveries accumulate."""
    rows.clear()
    shop = reports.open_shop()
    token, text = create_token("benchmark")
    account = f"{token.account_sid}:{text}"
    with running_web() as (_, port):
        address = f"http://127.0.0.1:{port}/Advertisers/{token.account_sid}/Conversions"
        yield _single(shop, address, account, 10_000 if full else 2_000)
        yield _batch(shop, address + "/Batch", account, 10 if full else 4)
    yield from _file(shop, 1_000_000 if full else 40_000)


def _single(shop: Shop, address: str, account: str, number: int) -> Figure:
    warm_up = [urlencode(each).encode() for each in shop.reports(200)]
    callers.post(address, account, warm_up, "application/x-www-form-urlencoded", CALLERS)
    bodies = [urlencode(each).encode() for each in shop.reports(number)]
    seconds, _ = callers.post(address, account, bodies, "application/x-www-form-urlencoded", CALLERS)
    reports.must_hold(number + len(warm_up))
    return Figure(f"one by one, {CALLERS} callers", number / seconds, "/s", target=at_least(400))


def _batch(shop: Shop, address: str, account: str, number: int) -> Figure:
    rows.clear_actions()
    bodies = [b"\n".join(map(orjson.dumps, shop.reports(LINES))) for _ in range(number)]
    seconds, answers = callers.post(address, account, bodies, "application/x-ndjson", BATCH_CALLERS)
    if any(b'"rejected"' in answer or answer.count(b'"recorded"') != LINES for answer in answers):
        raise CannotRunError("Not every line of the batches was recorded.")
    reports.must_hold(number * LINES)
    what = f"batches of {LINES:,}, {BATCH_CALLERS} callers"
    return Figure(what, number * LINES / seconds, "/s", target=at_least(8_000))


def _recording() -> float:
    """For how many seconds actions were recorded: without the starts of programs."""
    found = Action.objects.aggregate(seconds=Max("created_at") - Min("created_at"))
    return float(found["seconds"].total_seconds())


def _file(shop: Shop, number: int) -> Iterator[Figure]:
    rows.clear_actions()
    path = Path(settings.DATA_DIR) / "intake.jsonl"
    with path.open("wb") as file:
        for each in shop.reports(number):
            file.write(orjson.dumps(each) + b"\n")
    found: list[tuple[float, float]] = []  # Seconds, and the memory of all its processes.
    began = time.monotonic()
    command = [sys.executable, "manage.py", "import_actions", str(path)]
    with running("import", command, lambda: True) as program:
        while not program.ended():
            try:
                found.append((time.monotonic() - began, memory.megabytes(program)["pss"]))
            except psutil.Error:
                break
            time.sleep(_POLL_SECONDS)
        program.wait(_POLL_SECONDS)
    seconds = time.monotonic() - began
    path.unlink()
    reports.must_hold(number)
    recording = _recording()
    fifth = seconds - recording + _SETTLED * recording  # Before, programs start.
    what = f"a file of {number:,} lines"
    yield Figure(what + ", from start to end of the command", number / seconds, "/s", target=at_least(8_000))
    yield Figure(what + ", from its first to its last recording", number / recording, "/s", target=at_least(8_000))
    early = max(megabytes for at, megabytes in found if at <= fifth)
    most = max(megabytes for _, megabytes in found)
    details = {"PSS": found}
    yield Figure(what + ": memory, PSS, at most", most, "MB", details=details)
    yield Figure(what + ": growth after its first fifth", most - early, "MB", 1, at_most(50), details)
