"""What was answered and is not recorded yet, in a file that outlives the process.

Recording takes tens of milliseconds, because batches are cheap. A process that is killed meanwhile would leave
deliveries that look as if they had not been sent. So each result is noted, in a microsecond, in a ring of fixed size
that is mapped into memory: the system keeps it however the process ends. Another process on the same machine, or the
one that follows it, finds the file, no longer locked by its owner, and records what the owner could not. If there is
none, or no such folder can be written, those deliveries are sent again.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import logging
import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from psycopg2 import extensions

from postbacks import database
from postbacks.delivery import ready_queue, result_sql
from postbacks.delivery.chains import earliest, promote
from postbacks.delivery.outcomes import Claimed, Delivered, GaveUp, Judged, Outcome, Prepared, Retry, Sent
from postbacks.egress.answer import Answer
from postbacks.request.building import METHODS, Request
from postbacks.verdicts.rules import compile_rules

logger = logging.getLogger(__name__)

PLACES = 4_096  # More than a process claims and has not recorded.
REASON = "The worker was killed before it could record the request and the answer."

# Delivery, postback, action, start in microseconds, delay and duration in seconds, attempt, status, outcome, method.
_NOTE = struct.Struct("<QQQQffHHBB")
_CHECK = struct.Struct("<I")  # The last note may be half written.
_SIZE = _NOTE.size + _CHECK.size
_OUTCOMES: tuple[type[Outcome], ...] = (Delivered, Retry, GaveUp)
_NUMBER_OF_OUTCOME = {outcome: number for number, outcome in enumerate(_OUTCOMES)}
_NUMBER_OF_METHOD = {method: number for number, method in enumerate(METHODS)}
_HELD = "SELECT id, attempts_made FROM postbacks_delivery WHERE owner = %s AND state = 'sending'"


class Answered:
    """The file of this process. `note` may be called on any thread."""

    def __init__(self, holder: int) -> None:
        self._places = itertools.count()  # Of the notes, in order; its step is one of C, so threads need no lock.
        self._map: mmap.mmap | None = None
        try:
            self.path = _folder() / f"{_database()}-{holder}"
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            logger.warning("Answers are not noted (%s); those of a killed process will be asked for again.", error)
            return
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        os.write(self._fd, bytes(PLACES * _SIZE))  # Takes its place on the disk now: later, a full one would be fatal.
        self._map = mmap.mmap(self._fd, PLACES * _SIZE)

    def note(self, judged: Judged) -> None:
        """Notes what came of an attempt, if the receiver has answered it."""
        sent, claimed = judged.sent, judged.claimed
        if self._map is None or sent is None or not isinstance(sent.answer, Answer):
            return
        note = _NOTE.pack(
            claimed.delivery_id,
            claimed.postback_id,
            claimed.action_id,
            round(sent.started_at * 1_000_000),
            judged.outcome.delay_seconds if isinstance(judged.outcome, Retry) else 0.0,
            sent.duration_seconds,
            claimed.attempt,
            sent.answer.status_code,
            _NUMBER_OF_OUTCOME[type(judged.outcome)],
            _NUMBER_OF_METHOD[sent.prepared.request.method],
        )
        place = next(self._places) % PLACES * _SIZE
        self._map[place : place + _SIZE] = note + _CHECK.pack(zlib.crc32(note))

    def close(self) -> None:
        """For a process that has recorded all that it could."""
        if self._map is not None:
            self._map.close()
            self._map = None
            self.path.unlink(missing_ok=True)
            os.close(self._fd)


def recover(connection: extensions.connection) -> int:
    """Records what dead processes of this machine could not; returns how many. Raises psycopg2.Error.

    What cannot be recorded now, because somebody has locked it, is left to the next call.
    """
    try:
        files = list(_folder().glob(f"{_database()}-*"))
    except OSError:
        return 0
    return sum(_recover(connection, file) for file in files)


def _recover(connection: extensions.connection, file: Path) -> int:
    try:
        fd = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0  # Its owner is alive, or another process is at it.
    else:
        return _record(connection, file)
    finally:
        os.close(fd)


def _record(connection: extensions.connection, file: Path) -> int:
    holder = int(file.name.rpartition("-")[2])
    with connection.cursor() as cursor:
        cursor.execute(_HELD, (holder,))
        held = set(cursor.fetchall())
    once = {(one.claimed.delivery_id, one.claimed.attempt - 1): one for one in _read(file.read_bytes())}
    noted = [one for delivery_and_attempts, one in once.items() if delivery_and_attempts in held]
    locked = result_sql.write(connection, holder, noted, careful=True).locked if noted else []
    if noted:
        logger.warning("Recorded %d answers that a process had got when it was killed.", len(noted) - len(locked))
        with connection.cursor() as cursor:
            promoted = promote(cursor, ((one.claimed.postback_id, one.claimed.action_id) for one in noted))
        retries = [
            (one.claimed.postback_id, one.outcome.delay_seconds) for one in noted if isinstance(one.outcome, Retry)
        ]
        ready_queue.wake(earliest([*promoted.due.items(), *retries]))
    if not locked:
        file.unlink(missing_ok=True)
    return len(noted) - len(locked)


def _read(ring: bytes) -> Iterator[Judged]:
    for place in range(0, len(ring) - _SIZE + 1, _SIZE):
        note = ring[place : place + _NOTE.size]
        (check,) = _CHECK.unpack_from(ring, place + _NOTE.size)
        if check == zlib.crc32(note) and any(note):
            yield _judged(_NOTE.unpack(note))


def _judged(note: tuple[Any, ...]) -> Judged:
    delivery, postback, action, started, delay, took, attempt, status, outcome, method = note
    claimed = Claimed(delivery, postback, action, attempt, "", 0, "", "", 0.0)
    prepared = Prepared(claimed, Request(METHODS[method], "", {}), compile_rules("", ""))
    kind = _OUTCOMES[outcome]
    known = Retry(REASON, delay) if kind is Retry else GaveUp(REASON) if kind is GaveUp else Delivered(REASON)
    return Judged(claimed, known, Sent(prepared, started / 1_000_000, took, Answer(status)))


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "answered"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _database() -> str:
    """A name for the database, so that processes of another leave these files alone."""
    parameters = database.direct_parameters()
    named = repr([parameters.get(name) for name in ("host", "port", "dbname")])
    return hashlib.sha256(named.encode()).hexdigest()[:16]
