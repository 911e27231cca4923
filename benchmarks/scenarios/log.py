"""How long the pages of the admin, and those of partners, take with millions of deliveries."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import islice

from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from benchmarks import lived_in
from benchmarks.lived_in import POSTBACKS, LivedIn
from benchmarks.pages import LOG, pages
from benchmarks.portal_pages import visits
from benchmarks.results import Figure, at_most
from postbacks.admin.deliveries.bulk_actions import MOST
from postbacks.models import Delivery

TIMES = 7
TARGET_MS = 200.0
PARTNERS_TARGET_MS = 100.0
_RESEND = f"{LOG}resend/"
_FIRST_PIECES = 2  # Of an export: the names of the columns, and the rows of a page.


def figures(full: bool) -> Iterator[Figure]:
    """Each page is requested within this process; web server and network would add to the time."""
    system = lived_in.fill(5_000_000 if full else 300_000)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("benchmark"))
    yield from read(client, system)
    yield from read_by_partners(system)
    yield from written(client)


def read(client: Client, system: LivedIn) -> Iterator[Figure]:
    """The pages that only show; `first` in the details is what the first request took, with nothing in memory."""
    for what, path in pages(system).items():
        first = ask(client, path)
        times = [ask(client, path) for _ in range(TIMES)]
        shown = f"{what}, {system.deliveries:,} deliveries, {POSTBACKS:,} postbacks" if path == LOG else what
        details = {"first": first, "times": times, "path": path}
        yield Figure(shown, statistics.median(times), "ms", 0, at_most(TARGET_MS), details)


def read_by_partners(system: LivedIn) -> Iterator[Figure]:
    """The pages of the portal."""
    for whose, client, paths in visits(system):
        for what, path in paths.items():
            first = ask(client, path)
            times = [ask(client, path) for _ in range(TIMES)]
            details = {"first": first, "times": times, "path": path}
            name = f"portal of {whose}: {what}"
            yield Figure(name, statistics.median(times), "ms", 0, at_most(PARTNERS_TARGET_MS), details)


def written(client: Client) -> Iterator[Figure]:
    """What changes many deliveries at once."""
    chosen = Delivery.objects.filter(state="delivered").order_by("-pk").values_list("pk", flat=True)[:MOST]
    ids = {"ids": ",".join(map(str, chosen))}
    yield Figure(f"the question before {MOST:,} are sent again", ask(client, _RESEND, {"chosen": ids["ids"]}), "ms")
    yield Figure(f"{MOST:,} sent again", ask(client, _RESEND, {"sure": "", **ids}), "ms")
    made = Delivery.objects.filter(state="ready").order_by("-pk").values_list("pk", flat=True)[:MOST]
    ids = {"ids": ",".join(map(str, made))}
    yield Figure(f"{MOST:,} cancelled", ask(client, f"{LOG}cancel/", {"sure": "", **ids}), "ms")


def ask(client: Client, path: str, posted: dict[str, str] | None = None) -> float:
    """The milliseconds until the whole page, or the first page of a file, is complete."""
    began = time.perf_counter()
    answer: HttpResponseBase = client.get(path) if posted is None else client.post(path, posted)
    if isinstance(answer, StreamingHttpResponse):
        list(islice(answer, _FIRST_PIECES))
        answer.close()
    took = time.perf_counter() - began
    if answer.status_code not in (200, 302):
        raise RuntimeError(f"{path}: status {answer.status_code}")
    return took * 1000
