"""The keeper of a worker process: fetches access tokens on threads of its own, so that nothing else waits for a token
server.

Each fetch has a thread, of a bounded number: one number for postbacks whose last fetch went well, and another one for
those whose token server fails or hangs, so that these take nothing from the others. The drain orders a token when a
lane has none, or soon has none; while it is fetched, only that lane waits. What is to be noted of a token, a 401 above
all, is written on one more thread, before the outcome of the attempt: so nobody sends the rejected one again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import psycopg2
from django.conf import settings

from postbacks import database
from postbacks.credentials.asking.oauth import OAuthClient
from postbacks.delivery import ready_queue
from postbacks.delivery.access_tokens import store
from postbacks.delivery.access_tokens.store import Access
from postbacks.egress import token_server
from postbacks.egress.failures import Code, Failure
from postbacks.egress.token_server import Token

logger = logging.getLogger(__name__)

AT_ONCE: Final = 16  # Fetches of each of the two kinds: a token server that hangs takes one for some seconds.
Then = Callable[[], None]


class _Order(NamedTuple):
    postback: int
    client: OAuthClient


class Keeper:
    """Started at the first order or note. `order`, `rejected` and `proved` may be called on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[int] = set()
        self._waiting: dict[bool, deque[_Order]] = {True: deque(), False: deque()}  # By whether the last one failed.
        self._running = {True: 0, False: 0}
        self._proved: dict[int, int] = {}  # By postback the number of its token.
        self._notes: queue.SimpleQueue[tuple[str, int, int, Then] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def order(self, clients: Mapping[int, OAuthClient], accesses: Mapping[int, Access]) -> None:
        """Has a token fetched for each lane that wants one."""
        for lane, access in accesses.items():
            if access.wanted:
                self._order(_Order(lane, clients[lane]), failing=access.failing)

    def rejected(self, postback: int, generation: int, then: Then) -> None:
        """Notes that a receiver has rejected a token, then calls `then`, whatever comes of it."""
        self._note("reject", postback, generation, then)

    def proved(self, postback: int, generation: int) -> None:
        """Notes that a receiver has taken a token."""
        with self._lock:
            if self._proved.get(postback) == generation:
                return
            self._proved[postback] = generation
        self._note("prove", postback, generation, lambda: None)

    def stop(self, timeout_seconds: float) -> None:
        """Writes the notes that wait. Fetches that are under way end with the process."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._notes.put(None)
            thread.join(timeout_seconds)

    def _order(self, order: _Order, *, failing: bool) -> None:
        with self._lock:
            if order.postback in self._under_way:
                return
            self._under_way.add(order.postback)
            self._waiting[failing].append(order)
            if self._running[failing] >= AT_ONCE:
                return
            self._running[failing] += 1
        threading.Thread(target=self._fetch_all, args=(failing,), name="postbacks-token", daemon=True).start()

    def _fetch_all(self, failing: bool) -> None:
        while True:
            with self._lock:
                if not self._waiting[failing]:
                    self._running[failing] -= 1
                    return
                order = self._waiting[failing].popleft()
            try:
                _fetch(order)
            except psycopg2.Error as error:
                logger.warning("No access token for postback %d yet (%s).", order.postback, str(error).strip())
            except Exception:
                logger.exception("No access token for postback %d, because of an internal error.", order.postback)
            finally:
                with self._lock:
                    self._under_way.discard(order.postback)

    def _note(self, what: str, postback: int, generation: int, then: Then) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="postbacks-token-notes", daemon=True)
                self._thread.start()
        self._notes.put((what, postback, generation, then))

    def _write(self) -> None:
        session = database.Session("tokens")
        while (note := self._notes.get()) is not None:
            what, postback, generation, then = note
            try:
                with session.cursor() as cursor:
                    (store.reject if what == "reject" else store.prove)(cursor, postback, generation)
            except psycopg2.Error as error:
                logger.warning("Could not note what became of an access token (%s).", str(error).strip())
                session.close()
            except Exception:
                logger.exception("Could not note what became of an access token.")
            then()
        session.close()


def _fetch(order: _Order) -> None:
    """By the worker that takes the right to; the lane is woken afterwards, to send or to fail."""
    session = database.Session("tokens")
    try:
        with session.cursor() as cursor:
            taken = store.take(cursor, order.postback, order.client, settings.POSTBACKS_TOTAL_TIMEOUT)
        if taken is None:
            return
        session.close()  # A token server may take long.
        began = time.monotonic()
        try:
            result = token_server.fetch(order.client)
        except Exception as bug:
            logger.exception("The token server of postback %d could not be asked.", order.postback)
            result = Failure(Code.OAUTH_TOKEN, f"No access token, because of an internal error: {type(bug).__name__}.")
        with session.cursor() as cursor:
            if isinstance(result, Token):
                took = time.monotonic() - began
                store.keep(
                    cursor, order.postback, order.client, Token(result.value, max(0.0, result.seconds - took)), taken
                )
            else:
                logger.warning("Postback %d: %s", order.postback, result.text)
                store.fail(cursor, order.postback, order.client, result, taken)
    finally:
        session.close()
    ready_queue.wake({order.postback: 0.0})
