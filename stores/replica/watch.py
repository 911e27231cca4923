"""What this process knows of the replica. A thread looks each second, for as long as somebody reads.

How far the replica is behind is told by the primary's own history: it is as old as the newest position of the primary,
noted here, that it has replayed. No clock of another host is needed, and a primary at rest does not make it look old.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import psycopg2
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from stores.asking import Asker, parameters_of
from stores.replica import ALIAS, marks
from stores.replica.positions import BEHIND, PRIMARY, REPLICA, SYSTEM, position

logger = logging.getLogger(__name__)

LOOK_EACH_SECONDS = 1.0
ANSWER_SECONDS = 2.0
# After a failure of the replica, its readers go to the primary for so long.
PAUSE_SECONDS = 5.0
# With nobody who reads, nobody looks.
IDLE_SECONDS = 60.0
# What the last look found is good for so long, even if the thread is late.
FRESH_SECONDS = 3.0


class Watch:
    """The replica, as this process knows it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked_at = self._looked_at = -math.inf  # On the monotonic clock, as all times here.
        self._paused_until = -math.inf
        self._noted: deque[tuple[float, int]] = deque()
        self._askers: list[Asker] = []
        self._readers: WeakSet[Any] = WeakSet()
        self.replayed = 0
        self.lag = math.inf
        self.trouble = "It has not been looked at yet."

    def is_usable(self) -> bool:
        """Whether reads may go to the replica. The first call only begins to look."""
        self._asked_at = now = time.monotonic()
        if self._thread is None or not self._thread.is_alive():
            self._begin()
        return not self.trouble and now >= self._paused_until and now - self._looked_at < FRESH_SECONDS

    def failed(self, said: str) -> None:
        """A read has failed: for some time all go to the primary."""
        now = time.monotonic()
        if now >= self._paused_until:
            logger.warning(
                "The replica failed (%s); the primary serves for %g s.", " ".join(said.split()), PAUSE_SECONDS
            )
        self._paused_until = now + PAUSE_SECONDS
        marks.tell_trouble(said)
        self.count()

    def count(self) -> None:
        """One more read that the primary had to repeat."""
        marks.count_fallback()

    def reads(self, connection: Any) -> None:
        """Django's connection of a thread, which is broken off if the replica stops answering."""
        self._readers.add(connection)

    def look(self) -> None:
        """Looks now. Raises nothing."""
        before = self.trouble
        self.trouble = self._seen()
        self._looked_at = time.monotonic()
        if self.trouble != before and (before or self.trouble):
            self._say(before)
        if self.trouble:
            marks.tell_trouble(self.trouble)
        marks.settle()

    def _seen(self) -> str:
        """What is wrong with the replica; empty if nothing."""
        was_connected = bool(self._askers)
        try:
            return self._look()
        except (psycopg2.Error, OSError) as error:
            ended = any(each.is_closed for each in self._askers)
            self.close()
            if was_connected and ended:  # A server has been restarted meanwhile.
                return self._seen()
            self._break_off()
            return " ".join(str(error).split()) or type(error).__name__

    def _say(self, before: str) -> None:
        if not self.trouble:
            logger.info("The replica serves; it is %.1f s behind.", self.lag)
        elif not before:
            logger.warning("The replica is not used: %s", self.trouble)

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="replica-watch", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while time.monotonic() - self._asked_at < IDLE_SECONDS:
            self.look()
            time.sleep(LOOK_EACH_SECONDS)
        self.close()

    def _look(self) -> str:
        if not self._askers:
            self._connect()
        primary, replica = self._askers
        for each in self._askers:
            each.allow(ANSWER_SECONDS)
        now = time.monotonic()
        ((here, clock),) = primary.ask(PRIMARY)
        ((standby, there, committed),) = replica.ask(REPLICA)
        if not standby or there is None:
            return "DATABASE_REPLICA_URL leads to a server that is no replica."
        self.replayed = position(there)
        self.lag = self._behind(now, position(here), float(clock) - committed if committed is not None else math.inf)
        most = settings.DATABASE_REPLICA_MAX_LAG_SECONDS
        return "" if self.lag <= most else BEHIND.format(most)

    def _connect(self) -> None:
        self._noted.clear()
        for alias in (DEFAULT_DB_ALIAS, ALIAS):
            self._askers.append(Asker(ANSWER_SECONDS, parameters_of(connections[alias])))
        with suppress(psycopg2.errors.InsufficientPrivilege):  # Some hosts keep it to themselves.
            if len({asker.ask(SYSTEM)[0][0] for asker in self._askers}) > 1:
                raise psycopg2.OperationalError("DATABASE_REPLICA_URL leads to a replica of another database.")

    def _behind(self, now: float, here: int, by_commit: float) -> float:
        """Seconds; `by_commit` is the age of the last commit that was replayed."""
        self._noted.append((now, here))
        if self.replayed >= here:
            self._noted.clear()
            self._noted.append((now, here))
            return 0.0
        while len(self._noted) > 1 and self._noted[1][1] <= self.replayed:
            self._noted.popleft()
        since, reached = self._noted[0]
        if len(self._noted) > settings.DATABASE_REPLICA_MAX_LAG_SECONDS + IDLE_SECONDS:
            self._noted.popleft()
        return min(by_commit, now - since) if reached <= self.replayed else by_commit

    def close(self) -> None:
        """Ends its own connections."""
        while self._askers:
            self._askers.pop().close()

    def _break_off(self) -> None:
        """Ends what waits for a replica that hangs: its threads then ask the primary."""
        for each in list(self._readers):
            connection = each.connection
            if connection is not None and not connection.closed:
                with suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(connection.fileno())) as link:
                    link.shutdown(socket.SHUT_RDWR)


watch = Watch()
