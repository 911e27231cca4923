"""Which process accepts a connection while one has a batch."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest

from front.connection import Connection
from front.lean import Lean
from front.serving import Serving
from front.spread import open_queue

HAS_A_BATCH = "a batch"


class _Application:
    """One that is not asked."""

    reports: Lean | None = None
    connection: type[Connection] = Connection

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def __call__(self, scope: object, receive: object, send: object) -> None: ...


def served(play: Callable[[Serving, socket.socket], Awaitable[None]]) -> None:
    """Plays with a process of several, which accepts, and with the socket that all of them share."""

    async def whole() -> None:
        put, take = open_queue()
        with socket.create_server(("127.0.0.1", 0)) as shared, closing(put), closing(take):
            shared.setblocking(False)
            serving = Serving(_Application(), shared, (put, take))
            serving._accept_more(is_more=True)
            await play(serving, shared)
            serving._accept_more(is_more=False)
            for each in list(serving._state.connections):
                each.transport.abort()
            await asyncio.sleep(0)

    asyncio.run(whole())


async def comes(condition: Callable[[], object]) -> None:
    """Waits until it is true."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


def test_who_has_a_batch_leaves_a_connection_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("front.serving.LEFT_SECONDS", 1000)

    async def play(serving: Serving, shared: socket.socket) -> None:
        serving._spread.begin(HAS_A_BATCH)
        with socket.create_connection(shared.getsockname()):
            await comes(lambda: not serving._is_accepting)
            taken, _ = shared.accept()
            taken.close()
            assert not serving._state.connections

    served(play)


@pytest.mark.parametrize("has_batch", [True, False], ids=["with a batch", "without"])
def test_what_nobody_else_takes_is_accepted(has_batch: bool) -> None:
    opened: list[socket.socket] = []

    async def play(serving: Serving, shared: socket.socket) -> None:
        if has_batch:
            serving._spread.begin(HAS_A_BATCH)
        for number in (1, 2):  # Also after one that was left.
            opened.append(socket.create_connection(shared.getsockname()))
            await comes(lambda number=number: len(serving._state.connections) == number)  # type: ignore[misc]

    served(play)
    for each in opened:
        each.close()


def test_without_room_it_does_not_try_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("front.serving.MOST_CONNECTIONS", 0)

    async def play(serving: Serving, shared: socket.socket) -> None:
        serving._spread.begin(HAS_A_BATCH)
        with socket.create_connection(shared.getsockname()):
            serving._accept_left(0)
            assert not serving._is_accepting
        serving._accept_more(is_more=False)

    served(play)
