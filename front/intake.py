"""Reports that come together, kept together and recorded together: two threads of each process.

The first keeps what has come since it last looked, in one statement; with its commit most callers have their answers.
The second records what has been kept. So what comes while PostgreSQL is at work makes the next group, and nothing waits
when it is alone.
"""

from __future__ import annotations

import asyncio
import logging
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import django.db
from django.conf import settings
from django.db import connection

from actions.intake import catch_up, queue
from actions.intake.reading import is_sound
from actions.intake.recorder import keep_refused, record_queued
from actions.intake.taken import Taken
from actions.recording.results import RejectedResult, Result, refused
from actions.reports.report import Report
from front.pile import Pile
from front.threads import BusyError

logger = logging.getLogger(__name__)

# In one transaction: more saves nothing, and one that is turned back costs them all a second try.
MOST_TOGETHER: Final = 200
# After each report of a group the next group waits this long for company: what comes faster shares the cost of a
# transaction, and of all that follows it in a worker; what comes alone, or has a caller waiting for it, does not wait.
SPACING_SECONDS: Final = 0.008
MOST_SPACING_SECONDS: Final = 0.06
# Of one process, kept and not recorded yet, so that its memory stays flat whatever comes.
MOST_WAITING: Final = 1_000
MOST_WAITING_BYTES: Final = 32 * 1024 * 1024
# A request that finds no room in this time is answered so that its sender can try again.
PATIENCE_SECONDS: Final = 20.0
# What only the recording can judge is answered after it. If something is in the way for so long, it is answered so.
JUDGED_WITHIN_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 5.0  # For reports that others have left.
_PAUSE_SECONDS: Final = 0.5  # While the database does not answer.
_STOP_SECONDS: Final = 10.0


Outcome = RejectedResult | Exception | None
"""What a caller hears of a report: its refusal, why it could not be kept, or nothing."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A report whose caller waits."""

    taken: Taken
    size: int
    hear: Callable[[Outcome], None] | None  # None once it was called.
    is_judged: bool  # Its caller waits until it is recorded, otherwise until nothing can be lost any more.

    def tell(self, outcome: Outcome) -> None:
        """Tell the caller, once. Errors of one must not cost others their answers."""
        if self.hear is not None:
            hear, self.hear = self.hear, None
            try:
                hear(outcome)
            except Exception:
                logger.exception("A caller was not told of a report")


class Intake:
    """The reports of one process; to be used on its event loop, apart from what says otherwise."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = MOST_WAITING, MOST_WAITING_BYTES
        self._for_room: deque[asyncio.Future[None]] = deque()
        self._come: list[_Waiting] = []
        self._coming: Pile[_Waiting] = Pile()
        self._kept: Pile[_Waiting] = Pile()
        self._threads = [
            threading.Thread(target=self._keep, name="front-keep", daemon=True),
            threading.Thread(target=self._record, name="front-record", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def has_room(self) -> bool:
        """Whether there is room for one more."""
        return self._room[0] > 0 and self._room[1] > 0

    def begin(self, taken: Taken, size: int, hear: Callable[[Outcome], None]) -> None:
        """Keep a report of so many bytes, and `hear` what is known of it then. It has its id by that time.

        There must be room for it.
        """
        self._give_room(-1, -size)
        report = taken.report
        waiting = _Waiting(taken, size, hear, isinstance(report, Report) and not is_sound(report))
        if not self._come:
            self._loop.call_soon(self._hand_over)
        self._come.append(waiting)

    async def take(self, taken: Taken, size: int) -> RejectedResult | None:
        """The same, and return what is known of it: its refusal, or None.

        Raises:
            django.db.Error: it could not be kept.
            BusyError: there is no room for it.
        """
        await self._find_room()
        heard: asyncio.Future[RejectedResult | None] = self._loop.create_future()

        def hear(outcome: Outcome) -> None:
            if heard.done():  # Nobody waits any more.
                return
            if isinstance(outcome, Exception):
                heard.set_exception(outcome)
            else:
                heard.set_result(outcome)

        self.begin(taken, size, hear)
        return await heard

    def stop(self) -> None:
        """Record what has been kept, for some seconds, and end. On a thread of its own."""
        self._coming.close()
        self._threads[0].join(_STOP_SECONDS)
        self._kept.close()
        self._threads[1].join(_STOP_SECONDS)

    def _hand_over(self) -> None:
        """What has come since the loop last looked makes one group."""
        come, self._come = self._come, []
        self._coming.put(*come)

    async def _find_room(self) -> None:
        until = self._loop.time() + PATIENCE_SECONDS
        while not self.has_room():
            turn = self._loop.create_future()
            self._for_room.append(turn)
            try:
                async with asyncio.timeout_at(until):
                    await turn
            except TimeoutError:
                raise BusyError from None

    def _give_room(self, reports: int, size: int) -> None:
        self._room = self._room[0] + reports, self._room[1] + size
        for _ in range(min(reports, len(self._for_room))):
            turn = self._for_room.popleft()
            if not turn.done():
                turn.set_result(None)

    def _keep(self) -> None:
        """The thread that keeps reports."""
        limit_ms = settings.WEB_STATEMENT_SECONDS * 1000
        limits = f"SET LOCAL statement_timeout = {limit_ms:.0f}; SET LOCAL lock_timeout = {limit_ms:.0f}; "
        while (group := self._coming.take(MOST_TOGETHER)) is not None:
            if group:
                self._keep_group(group, limits)

    def _keep_group(self, group: Sequence[_Waiting], limits: str) -> None:
        _leave_ended_connection()
        readable = [each for each in group if isinstance(each.taken.report, Report)]
        unreadable = [each for each in group if not isinstance(each.taken.report, Report)]
        for some, keep in ((readable, lambda taken: _put(taken, limits)), (unreadable, keep_refused)):
            try:
                if some:
                    keep([each.taken for each in some])
            except Exception as error:  # noqa: BLE001 -- whatever it is, the callers hear of it, and the thread goes on
                self._keep_apart(some, keep, error)
            else:
                self._on_kept(some)

    def _keep_apart(self, group: Sequence[_Waiting], keep: Callable[[list[Taken]], object], error: Exception) -> None:
        """What cannot be kept together: one of them may be at fault, and costs itself only."""
        if len(group) == 1 or isinstance(error, (django.db.OperationalError, django.db.InterfaceError)):
            connection.close()
            self._call(lambda: _tell_all(group, error))
            self._call(lambda: self._give_room(len(group), sum(each.size for each in group)))
            return
        for each in group:
            try:
                keep([each.taken])
            except Exception as fault:  # noqa: BLE001 -- as above
                self._keep_apart([each], keep, fault)
            else:
                self._on_kept([each])

    def _on_kept(self, group: Sequence[_Waiting]) -> None:
        recorded_later = [each for each in group if each.taken.is_queued]
        self._kept.put(*recorded_later, is_urgent=any(each.is_judged for each in recorded_later))
        done = [each for each in group if not each.taken.is_queued]

        def tell() -> None:
            for each in group:
                report = each.taken.report
                if each.is_judged:
                    self._loop.call_later(JUDGED_WITHIN_SECONDS, each.tell, None)
                else:
                    each.tell(None if isinstance(report, Report) else refused(report))
            if done:
                self._give_room(len(done), sum(each.size for each in done))

        self._call(tell)

    def _record(self) -> None:
        """The thread that records reports."""
        looked, next_group = time.monotonic(), 0.0
        while (group := self._kept.take(MOST_TOGETHER, _LOOK_SECONDS, not_before=next_group)) is not None:
            if group:
                next_group = time.monotonic() + min((len(group) - 1) * SPACING_SECONDS, MOST_SPACING_SECONDS)
                self._record_group(group)
            if time.monotonic() - looked > _LOOK_SECONDS:
                looked = time.monotonic()
                _take_left()

    def _record_group(self, group: Sequence[_Waiting]) -> None:
        became: dict[Taken, tuple[object, Result]] = {}
        while True:
            try:
                became.update(record_queued([each.taken for each in group]))
                break
            except (django.db.OperationalError, django.db.InterfaceError) as error:
                connection.close()
                if self._kept.is_closed:
                    break  # They stay queued, for another process.
                logger.warning("The database does not answer; %d reports stay queued: %s", len(group), error)
                time.sleep(_PAUSE_SECONDS)
            except Exception:
                connection.close()
                logger.exception("%d reports stay queued", len(group))
                break

        def tell() -> None:
            for each in group:
                if each.is_judged:
                    result = became.get(each.taken, (None, None))[1]
                    each.tell(result if isinstance(result, RejectedResult) else None)
            self._give_room(len(group), sum(each.size for each in group))

        self._call(tell)

    def _call(self, work: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError:  # The loop has ended, and nobody waits any more.
            logger.debug("The loop has ended.")


def _leave_ended_connection() -> None:
    """Close a connection that the server has ended while nothing was asked: a restart then turns no report back.

    Once something is asked, it is too late: nobody knows whether it was done.
    """
    if connection.connection is not None and not connection.connection.closed:
        said = select.poll()  # select.select cannot handle descriptors above 1,023.
        said.register(connection.connection.fileno(), select.POLLIN)
        if said.poll(0):  # To one that asks nothing, the server says only that it ends.
            connection.close()


def _put(taken: list[Taken], limits: str) -> None:
    queue.with_orders(taken)
    queue.put(taken, limits)


def _take_left() -> None:
    try:
        catch_up.take_left(_LOOK_SECONDS / 2)
    except Exception:
        connection.close()
        logger.exception("What others have left stays queued")


def _tell_all(group: Sequence[_Waiting], error: Exception) -> None:
    for each in group:
        each.tell(error)
