"""How fast orders that shops report alone, over HTTP, reach the partner's server, with every attempt stored.

`DOOR=1,64,rate` measures some parts: 1, 8 and 64 callers, `rate` (100 a second), `half` (half of the greatest rate) and
`memory`.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks import doors, memory, usage
from benchmarks.calls import Calls, Load, send, sending
from benchmarks.doors import Door, OurDoor
from benchmarks.events import TooSlowError, percentile
from benchmarks.reports import Shop
from benchmarks.results import Figure, Target, at_least, at_most

RATIOS = {1: 0.4, 8: 0.5, 64: 0.75}  # Of the plain door, by callers.
ROUNDS = 3  # Of a full run.
RATE = 100
KEPT_UP = 0.97  # The share of the requested rate below which the figure would mean nothing.
MANY = 256
PARTS = (*map(str, RATIOS), "rate", "half", "memory")
_UNTIMED_SECONDS = 1.0  # At the beginning of a steady rate.
_POLL_SECONDS = 0.25
_SETTLED = 1 / 3  # After this share of the time, memory must not grow.


@dataclass(frozen=True, slots=True)
class Run:
    """What came of some seconds of reports."""

    per_second: float  # From the first report until the last is done.
    processor_ms: dict[str, float]  # For each report, by part.
    calls: Calls


def figures(full: bool) -> Iterator[Figure]:
    """Each round measures the plain door first; figures are medians of the rounds."""
    parts = _parts()
    if not full:
        yield from _round(parts, 3.0)
        return
    for same in zip(*(list(_round(parts, 10.0)) for _ in range(ROUNDS)), strict=True):
        values = [each.value for each in same]
        yield replace(same[0], value=statistics.median(values), details=same[0].details | {"rounds": values})


def _parts() -> list[str]:
    parts = [part for part in os.environ.get("DOOR", "").split(",") if part] or list(PARTS)
    if unknown := sorted(set(parts) - set(PARTS)):
        raise ValueError(f"DOOR: there is no part {', '.join(unknown)}. Choose from: {', '.join(PARTS)}.")
    return parts


def _round(parts: Sequence[str], seconds: float) -> Iterator[Figure]:
    callers = [number for number in RATIOS if str(number) in parts]
    with doors.plain() as plain:
        _warm_up(plain, _nothing_shop())
        yardstick = {number: _measured(plain, _nothing_shop(), Load("callers", number, seconds)) for number in callers}
        steady = _steady(plain, _nothing_shop(), RATE, 2 * seconds) if "rate" in parts else None
    for number, run in yardstick.items():
        yield _speed(f"plain door, {_callers(number)}", run)
    with doors.ours() as door:
        for shop in (door.shop, door.timed_shop):
            _warm_up(door, shop)
        greatest = 0.0
        for number in callers:
            run = _measured(door, door.shop, Load("callers", number, seconds))
            greatest = max(greatest, run.per_second)
            yield _speed(f"ours, {_callers(number)}, until all are delivered", run)
            ratio = run.per_second / yardstick[number].per_second
            yield Figure("… ÷ plain door", ratio, "x", 2, at_least(RATIOS[number]))
            yield from _processor(run)
        if steady is not None:
            yield from _latency(door, steady, 2 * seconds)
        if "half" in parts:
            yield _half(door, greatest, seconds)
        if "memory" in parts:
            yield from _memory(door, 2 * seconds)


def _nothing_shop() -> Shop:
    """For the plain door, which knows no set-up."""
    return Shop(1, [2, 3, 4, 5], list(range(20)))


def _callers(number: int) -> str:
    return f"{number} caller{'s' if number > 1 else ''}"


def _warm_up(door: Door, shop: Shop) -> None:
    door.settle(send(door, shop, Load("callers", 16, 1.0)))


def _steady(door: Door, shop: Shop, rate: int, seconds: float) -> Run:
    """At this rate, whatever the answers. Raises TooSlowError."""
    run = _measured(door, shop, Load("rate", rate, seconds + _UNTIMED_SECONDS))
    begun = [call.begun for call in run.calls.made]
    reached = (len(begun) - 1) / (max(begun) - min(begun))
    if reached < KEPT_UP * rate:
        raise TooSlowError(f"The machine is too busy: only {reached:.0f} of {rate} reports a second were sent.")
    return run


def _measured(door: Door, shop: Shop, load: Load) -> Run:
    with usage.measured(door.parts) as took:
        calls = send(door, shop, load)
        done = door.settle(calls)
    count = len(calls.made)
    milliseconds = {part: used / count * 1000 for part, used in took.items()}
    return Run(count / (done - min(call.begun for call in calls.made)), milliseconds, calls)


def _speed(what: str, run: Run) -> Figure:
    details = {
        "reports": len(run.calls.made),
        "answer ms, median": run.calls.answer_ms(0.5),
        "answer ms, p99": run.calls.answer_ms(0.99),
        "processor ms": run.processor_ms,
        "processor ms of the callers": run.calls.processor_seconds / len(run.calls.made) * 1000,
    }
    return Figure(what, run.per_second, "/s", details=details)


def _processor(run: Run) -> Iterator[Figure]:
    for part, milliseconds in run.processor_ms.items():
        yield Figure(f"… processor time of one: {part}", milliseconds, "ms", 2)


def _latency(door: OurDoor, plain: Run, seconds: float) -> Iterator[Figure]:
    """At a steady rate, from the report to the request at the receiver, beside the plain door's own answer."""
    run = _steady(door, door.timed_shop, RATE, seconds)
    first = min(call.begun for call in run.calls.made) + _UNTIMED_SECONDS
    late = {"sent late by, ms, p99": run.calls.late_ms(0.99)}
    arrive = sorted((door.arrived[call.order][0] - call.begun) * 1000 for call in run.calls.made if call.begun > first)
    begun = min(call.begun for call in plain.calls.made) + _UNTIMED_SECONDS
    for name, share, target in (("median", 0.5, 6), ("p99", 0.99, 8)):
        answer = plain.calls.answer_ms(share, after=begun)
        yield Figure(f"{RATE}/s, plain door, report → answer: {name}", answer, "ms", 1)
        yield Figure(f"{RATE}/s, ours, report → answer: {name}", run.calls.answer_ms(share, after=first), "ms", 1)
        arrived = percentile(arrive, share)
        yield Figure(f"{RATE}/s, ours, report → receiver: {name}", arrived, "ms", 1, None, late | {"sorted": arrive})
        yield Figure("… ÷ the plain door's answer", arrived / answer, "x", 1, at_most(target))
    yield from _processor(run)


def _half(door: OurDoor, greatest: float, seconds: float) -> Figure:
    rate = int((greatest or _measured(door, door.shop, Load("callers", 64, seconds)).per_second) / 2)
    run = _steady(door, door.shop, rate, seconds)
    return Figure(
        "half of the greatest rate: answer, p99", run.calls.answer_ms(0.99), "ms", 1, at_most(100), {"rate": rate}
    )


def _memory(door: OurDoor, seconds: float) -> Iterator[Figure]:
    before = memory.megabytes(door.web)["pss"]
    found: list[float] = []
    with sending(door, door.shop, Load("callers", MANY)) as calls:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
            found.append(memory.megabytes(door.web)["pss"])
    door.settle(calls)
    early = max(found[: max(1, int(len(found) * _SETTLED))])
    details = {"before": before, "found": found, "reports": len(calls.made)}
    yield Figure(f"{MANY} callers: memory of the door, PSS, at most", max(found), "MB", 1, details=details)
    flat: Target = at_most(5)
    yield Figure("… growth after the first third", (max(found) / early - 1) * 100, "%", 1, flat, details)
