"""What the sender's tests put in, and what they get out."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Iterable

from postbacks.delivery.outcomes import Prepared, Sent
from postbacks.delivery.rate_limit import LATE_SECONDS, Window
from tests.support.delivery_rows import claimed, prepared
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, ScriptedReceiver


class Outcomes:
    """What the sender hands to its callbacks."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.unsent: list[Prepared] = []
        self.threads: set[int] = set()
        self.fail_next = False

    def on_sent(self, sent: Sent) -> None:
        self.threads.add(threading.get_ident())
        self.sent.append(sent)
        if self.fail_next:
            self.fail_next = False
            raise RuntimeError("the listener has a bug")

    def on_unsent(self, unsent: Iterable[Prepared]) -> None:
        self.unsent.extend(unsent)

    def wait_for(self, count: int, timeout_seconds: float = 10) -> list[Sent]:
        wait_until(
            lambda: len(self.sent) >= count,
            timeout_seconds,
            f"{count} are sent",
            lambda: f"{len(self.sent)} are, {len(self.unsent)} came back. {where_senders_stand()}",
        )
        return list(self.sent)


def where_senders_stand() -> str:
    """What the sender's thread is doing, of each sender in this process."""
    frames = sys._current_frames()
    senders = [each for each in threading.enumerate() if each.name == "postbacks-sender" and each.ident in frames]
    return "\n".join("".join(traceback.format_stack(frames[each.ident])) for each in senders if each.ident)


def ready(receiver: ScriptedReceiver, lane: int = 1, count: int = 1) -> list[Prepared]:
    """Requests whose path names the lane and the delivery."""
    ones = [claimed(lane=lane) for _ in range(count)]
    return [prepared(one, f"{receiver.url}/{lane}/{one.delivery_id}") for one in ones]


def slotted(receiver: ScriptedReceiver, *in_seconds: float, late: float = LATE_SECONDS) -> list[Prepared]:
    """Requests of one lane, each with its slot so many seconds from now, which it may miss by `late`."""
    slots = [time.monotonic() + seconds for seconds in in_seconds]
    return [one._replace(window=Window(slot, slot + late)) for slot in slots for one in ready(receiver)]


def ids(ones: Iterable[Prepared]) -> list[int]:
    return sorted(one.claimed.delivery_id for one in ones)


def lanes_of(arrivals: Iterable[Arrival]) -> list[int]:
    return [int(arrival.path.split("/")[1]) for arrival in arrivals]
