"""One request that may read from the replica, and whether it does: decided at its first read, and never changed to the
replica again once something has been written or the replica has failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import django.db
from django.db import DEFAULT_DB_ALIAS, connections

from stores.replica import ALIAS, marks
from stores.replica.positions import COMMITTED, REPLAYED, position
from stores.replica.watch import watch

# Before each look whether the replica has caught up with a reader.
_PAUSES_SECONDS: Final = (0.0, 0.003, 0.006)


@dataclass
class Reading:
    """The reads of one request. `who` is a session or token; see `marks`."""

    who: str
    allowed: bool = True
    """Whether what answers may read there; known once its address is."""
    replica: bool | None = None
    """Whether it reads from the replica; None before its first read."""
    lag: float | None = None
    """How many seconds the replica was behind, if the request has read from it."""

    @contextmanager
    def begun(self) -> Iterator[None]:
        """For the block, reads of this thread may go to the replica. It may be entered again for what is sent later."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def decide(self) -> bool:
        if not self.allowed:
            return False
        if self.replica is None:
            self.replica = watch.is_usable() and _connects()
            if self.replica and not _is_replayed(self.who):
                self.replica = False
            if self.replica:
                self.lag = watch.lag
        return self.replica


_current: ContextVar[Reading | None] = ContextVar("reading", default=None)


def current() -> Reading | None:
    """The request of this thread, if it may read from the replica."""
    return _current.get()


def alias() -> str:
    """The connection for what this thread reads now."""
    now = _current.get()
    if now is None or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return DEFAULT_DB_ALIAS
    return ALIAS if now.decide() else DEFAULT_DB_ALIAS


def cursor() -> Any:
    """Django's cursor for a statement that only reads what `models.READABLE` names."""
    return connections[alias()].cursor()


def leave() -> None:
    """From now on the request reads from the primary."""
    now = _current.get()
    if now is not None:
        now.replica = False


def _connects() -> bool:
    connection = connections[ALIAS]
    try:
        if connection.connection is not None and connection.connection.closed:
            connection.close()
        connection.ensure_connection()
    except django.db.Error as error:
        watch.failed(str(error))
        return False
    watch.reads(connection)
    return True


def _is_replayed(who: str) -> bool:
    """Whether the replica has all that `who` has written. It mostly needs a few milliseconds to get it."""
    mark = marks.find(who)
    if mark is None or (isinstance(mark, int) and mark <= watch.replayed):
        return True
    if mark is marks.UNKNOWN:
        return False
    needed = mark if isinstance(mark, int) else _told(DEFAULT_DB_ALIAS, COMMITTED)
    for pause in _PAUSES_SECONDS:
        time.sleep(pause)
        if 0 < needed <= _told(ALIAS, REPLAYED):
            return True
    return False


def _told(alias: str, statement: str) -> int:
    """The position that a server tells; 0 if it has none, as a primary has replayed nothing."""
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        (text,) = cursor.fetchone()
    return position(text) if text else 0
