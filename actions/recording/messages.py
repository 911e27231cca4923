"""Several statements in one message to PostgreSQL: for one report, a message costs more than most statements in it.

Within `few_messages`, what is put off goes with the next statement, wherever that is executed. So BEGIN goes with the
first question, and what is written goes together, with the last of it or with COMMIT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg2
from django.db import connection, transaction
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

_BEGIN = b"BEGIN"
_current: ContextVar[Messages | None] = ContextVar("messages", default=None)


class Messages:
    """What has been put off on Django's connection."""

    def __init__(self) -> None:
        self.failed = False
        """Whether a message with something put off was refused: the statement that sent it may not be at fault."""
        self._put_off: list[bytes] = []
        self._writer: psycopg2.extensions.cursor | None = None

    def put_off(self, statement: str, values: Sequence[Any]) -> None:
        # Its values are written out now: one that cannot be is the fault of what puts it off.
        if self._writer is None:  # psycopg2's own: Django's takes longer to make than most statements to write.
            self._writer = connection.connection.cursor()
        self._put_off.append(self._writer.mogrify(statement, values))

    def send(self) -> None:
        if self._put_off:
            with connection.cursor() as cursor:
                cursor.execute("")

    def execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Django's wrapper of each statement."""
        waiting, self._put_off = self._put_off, []
        if not waiting or (isinstance(sql, str) and sql.startswith("ROLLBACK")):  # Which takes it back.
            return execute(sql, params, many, context)
        try:
            if many:
                execute(b"; ".join(waiting), None, False, context)
                return execute(sql, params, many, context)
            own = [context["cursor"].mogrify(sql, params)] if sql else []
            return execute(b"; ".join([*waiting, *own]), None, False, context)
        except BaseException:
            self.failed = True
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction without messages of its own for BEGIN and COMMIT; within another one, a savepoint."""
        if connection.in_atomic_block or not connection.get_autocommit():
            with transaction.atomic():
                yield
            return
        with transaction.atomic():
            # psycopg2 sends each of the two by itself. So it is not told of the transaction, only Django is.
            connection.connection.autocommit = True
            self._put_off.append(_BEGIN)
            try:
                yield
                self._commit()
            except BaseException:
                self._take_back()
                raise

    def _commit(self) -> None:
        if connection.needs_rollback:
            self._take_back()
        elif self._put_off[:1] != [_BEGIN] or len(self._put_off) > 1:  # Otherwise nothing has been asked.
            with connection.cursor() as cursor:
                cursor.execute("COMMIT")

    def _take_back(self) -> None:
        self._put_off.clear()
        server = connection.connection
        if server is None or server.closed or server.info.transaction_status == TRANSACTION_STATUS_IDLE:
            return
        try:
            with server.cursor() as cursor:
                cursor.execute("ROLLBACK")
        except psycopg2.Error:
            connection.close()  # The server then takes it back.


@contextmanager
def few_messages(messages: Messages) -> Iterator[None]:
    """A transaction, or a savepoint in one that is open, in which statements can be put off to `messages`."""
    token = _current.set(messages)
    try:
        with connection.execute_wrapper(messages.execute), messages.transaction():
            yield
    finally:
        _current.reset(token)


def put_off(statement: str, values: Sequence[Any] = ()) -> None:
    """Have the statement executed with the next one or with COMMIT, within `few_messages`; elsewhere now."""
    messages = _current.get()
    if messages is not None:
        messages.put_off(statement, values)
    else:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)


def send() -> None:
    """Execute what has been put off, before something that does not execute it: COPY, or psycopg2's own cursor."""
    messages = _current.get()
    if messages is not None:
        messages.send()
