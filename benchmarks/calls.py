"""Reports that shops send from a process of their own, and what their callers saw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlencode

import orjson
from django.conf import settings

from benchmarks.events import percentile
from benchmarks.processes import Running, program, running
from benchmarks.programs import shops
from benchmarks.reports import Shop

ENDLESS = float("inf")
_PATIENCE_SECONDS = 60
_FORMS = 80  # One for each event type and partner of a shop.
_runs = count(1)


class Address(Protocol):
    """Where reports go."""

    url: str
    account: str  # The account's SID, a colon and a token.


@dataclass(frozen=True, slots=True)
class Load:
    """So many callers, each with its next report as soon as the last is answered; or so many reports a second."""

    kind: Literal["callers", "rate"]
    number: int
    seconds: float = ENDLESS


@dataclass(frozen=True, slots=True)
class Call:
    """One report, in seconds of the wall clock: when it was due, begun and answered. Status 0 means no answer."""

    order: str
    due: float
    begun: float
    answered: float
    status: int


@dataclass(slots=True)
class Calls:
    """All reports of a run; complete once its block has ended."""

    process: Running
    made: list[Call] = field(default_factory=list)
    processor_seconds: float = 0.0

    @property
    def taken(self) -> list[Call]:
        """Those that were answered with 200."""
        return [call for call in self.made if call.status == 200]

    @property
    def refused(self) -> int:
        return len(self.made) - len(self.taken)

    def answer_ms(self, share: float, *, after: float = 0.0) -> float:
        """This percentile of the times from a report to its answer, of those begun after that moment."""
        return percentile(
            sorted((call.answered - call.begun) * 1000 for call in self.taken if call.begun > after), share
        )

    def late_ms(self, share: float) -> float:
        """This percentile of how late our own process sent them."""
        return percentile(sorted((call.begun - call.due) * 1000 for call in self.made), share)


def send(door: Address, shop: Shop, load: Load) -> Calls:
    """What came of this load, which has an end."""
    with sending(door, shop, load) as calls:
        calls.process.wait(load.seconds + _PATIENCE_SECONDS)
    return calls


@contextmanager
def sending(door: Address, shop: Shop, load: Load) -> Iterator[Calls]:
    """The same beside the block; a load without an end lasts as long as the block."""
    folder, prefix = Path(settings.DATA_DIR), f"D{next(_runs)}-"
    log, forms = folder / "log" / "bench-calls.jsonl", folder / "forms"
    log.unlink(missing_ok=True)
    order = prefix + shops.MARK.decode()
    reports = [urlencode({**report, "OrderId": order, "ClickId": f"Xy7-{order}"}) for report in shop.reports(_FORMS)]
    forms.write_text("\n".join(reports))
    command = program("shops", door.url, door.account, forms, log, load.kind, load.number, load.seconds)
    with running("shops", command, "calling") as process:
        calls = Calls(process)
        yield calls
        if load.seconds == ENDLESS:
            process.process.terminate()
        process.wait((0 if load.seconds == ENDLESS else load.seconds) + _PATIENCE_SECONDS)
    calls.processor_seconds = float(process.tail().splitlines()[-1])
    calls.made = [_call(prefix, orjson.loads(line)) for line in log.read_bytes().splitlines() if line]


def _call(prefix: str, line: list[float]) -> Call:
    number, due, begun, answered, status = line
    return Call(f"{prefix}{number}", due, begun, answered, int(status))
