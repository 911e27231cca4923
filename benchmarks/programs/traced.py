"""The project's Celery app, whose worker processes note when each delivery passes from one hand to the next.

`celery --app benchmarks.programs.traced`; they append to the file `$BENCHMARK_TRACE`, one JSON line for each delivery:
its number, and the moment of each of HOPS on the wall clock. The functions that hand over are wrapped, so it costs the
system nothing where nobody traces.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import django
import orjson

django.setup()

from config.celery import app  # noqa: E402 -- the apps must be ready
from postbacks.delivery import claim, ready_queue  # noqa: E402
from postbacks.delivery.process import Engine  # noqa: E402
from postbacks.delivery.sender import Sender  # noqa: E402

__all__ = ["app"]

FILE = "BENCHMARK_TRACE"
HOPS = ("taken", "claimed", "built", "started", "answered", "recorded")

_times: dict[int, dict[str, float]] = defaultdict(dict)
_taken = [0.0]


def _wrap(owner: Any, name: str, before: Callable[..., None] | None, after: Callable[..., None] | None) -> None:
    original = getattr(owner, name)

    def traced(*arguments: Any, **named: Any) -> Any:
        if before:
            before(*arguments)
        result = original(*arguments, **named)
        if after:
            after(result, *arguments)
        return result

    setattr(owner, name, traced)


def _note(delivery: int, hop: str) -> None:
    _times[delivery][hop] = time.time()


def _on_taken(lanes: list[int], *_: Any) -> None:
    if lanes:
        _taken[0] = time.time()


def _on_claimed(taken: claim.Taken, *_: Any) -> None:
    for one in taken.claimed:
        _times[one.delivery_id]["taken"] = _taken[0]
        _note(one.delivery_id, "claimed")


def _on_built(_: Sender, prepared: list[Any]) -> None:
    for one in prepared:
        _note(one.claimed.delivery_id, "built")


def _on_started(_: Any, _sender: Sender, prepared: Any, *_slot: Any) -> None:
    _note(prepared.claimed.delivery_id, "started")


def _on_finished(sender: Sender, curl: Any, _: Any) -> None:
    _note(sender._in_flight[curl][1].claimed.delivery_id, "answered")  # noqa: SLF001 -- it tells nobody else


def _on_recorded(_: Engine, batch: Any, _follow_up: Any) -> None:
    lines = []
    for judged in batch:
        delivery = judged.claimed.delivery_id
        _note(delivery, "recorded")
        lines.append(orjson.dumps({"delivery": delivery, **_times.pop(delivery)}) + b"\n")
    if lines:
        descriptor = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, b"".join(lines))
        os.close(descriptor)


if FILE in os.environ:
    _wrap(ready_queue, "take_due", None, _on_taken)
    _wrap(claim, "claim", None, _on_claimed)
    _wrap(Sender, "put", _on_built, None)
    _wrap(Sender, "_start", None, _on_started)
    _wrap(Sender, "_finish", _on_finished, None)
    _wrap(Engine, "_on_recorded", _on_recorded, None)
