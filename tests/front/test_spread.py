"""Batches over the processes: who passes one on, who takes it, and what becomes of one that nobody takes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any
from unittest.mock import Mock

import pytest

from front.spread import Ends, Spread, is_batch, open_queue

HEAD = b"POST /Advertisers/A/Conversions/Batch HTTP/1.1\r\n\r\n"
LARGE = b"x" * 1_000_000  # More than a message may hold.


Queue = Callable[[], Ends]


@pytest.fixture
def queue() -> Iterator[Queue]:
    """Gives each process that a test plays the ends of one queue, as its own descriptors."""
    ends = open_queue()
    with ExitStack() as opened:

        def own() -> Ends:
            put, take = (opened.enter_context(closing(each.dup())) for each in ends)
            return put, take

        for each in ends:
            opened.enter_context(closing(each))
        yield own


class Process:
    """One of them, on the loop of a test; `adopted` is what it has taken, still being answered."""

    def __init__(self, queue: Queue | None) -> None:
        self.spread = Spread(queue and queue())
        self.adopted: list[tuple[socket.socket, bytes]] = []
        self.spread.start(self._adopt)

    def _adopt(self, client: socket.socket, data: bytes) -> None:
        self.spread.begin(client)
        self.adopted.append((client, data))

    def pass_on(self, client: socket.socket, data: bytes = HEAD) -> bool:
        transport = Mock(spec=asyncio.Transport)
        transport.get_extra_info.return_value = client
        transport.get_write_buffer_size.return_value = 0
        passed_on = self.spread.pass_on(transport, data)
        assert transport.abort.called == passed_on
        return passed_on


async def comes(condition: Callable[[], Any]) -> None:
    """Waits until it is true."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


def played(play: Callable[[socket.socket, socket.socket], Awaitable[None]]) -> None:
    """Plays with the two ends of a client's connection: the server's and the client's own."""

    async def whole() -> None:
        server, client = socket.socketpair()
        with closing(server), closing(client):
            await play(server, client)

    asyncio.run(whole())


@pytest.mark.parametrize("data", [HEAD, HEAD + LARGE], ids=["small", "large"])
def test_who_is_free_takes_what_another_passes_on_with_all_that_was_read(queue: Queue, data: bytes) -> None:
    async def play(server: socket.socket, client: socket.socket) -> None:
        busy, free = Process(queue), Process(queue)
        busy.spread.begin("a batch")
        assert busy.pass_on(server, data)
        server.close()
        await comes(lambda: free.adopted)
        ((taken, read),) = free.adopted
        assert (read, busy.adopted) == (data, [])
        with closing(taken):
            taken.setblocking(True)
            taken.sendall(b"answer")
        assert client.recv(100) == b"answer"

    played(play)


def test_who_is_free_passes_nothing_on_and_neither_does_who_is_alone(queue: Queue) -> None:
    async def play(server: socket.socket, _: socket.socket) -> None:
        process, alone = Process(queue), Process(None)
        assert not process.pass_on(server)
        process.spread.begin("a batch")
        assert process.pass_on(server)
        process.spread.end("a batch")
        await comes(lambda: process.adopted)
        process.spread.end(process.adopted[0][0])
        assert not process.pass_on(server)
        alone.spread.begin("a batch")
        assert not alone.pass_on(server)

    played(play)


def test_what_nobody_takes_comes_back_to_who_is_busy(queue: Queue) -> None:
    async def play(server: socket.socket, _: socket.socket) -> None:
        busy, other = Process(queue), Process(queue)
        busy.spread.begin("a batch")
        other.spread.begin("a batch")
        assert busy.pass_on(server)
        await comes(lambda: busy.adopted)
        assert other.adopted == []

    played(play)


def test_a_process_that_is_free_takes_the_next(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("front.spread.TAKEN_WITHIN_SECONDS", 1000)  # So that nothing comes back.

    async def play(server: socket.socket, _: socket.socket) -> None:
        busy, other = Process(queue), Process(queue)
        busy.spread.begin("a batch")
        other.spread.begin("another")
        assert [busy.pass_on(server), busy.pass_on(server)] == [True, True]
        other.spread.end("another")
        await comes(lambda: other.adopted)
        assert busy.adopted == []
        busy.spread.end("a batch")
        await comes(lambda: busy.adopted)
        assert [len(busy.adopted), len(other.adopted)] == [1, 1]

    played(play)


def test_more_than_the_queue_holds_stay_where_they_are(queue: Queue) -> None:
    async def play(server: socket.socket, _: socket.socket) -> None:
        busy = Process(queue)
        busy.spread.begin("a batch")
        number = next(number for number in range(10_000) if not busy.pass_on(server))
        await comes(lambda: len(busy.adopted) == number)

    played(play)


def test_who_ends_leaves_nothing_behind_and_passes_nothing_on(queue: Queue) -> None:
    async def play(server: socket.socket, _: socket.socket) -> None:
        process = Process(queue)
        process.spread.begin("a batch")
        assert [process.pass_on(server), process.pass_on(server)] == [True, True]
        process.spread.stop()
        assert len(process.adopted) == 2
        assert not process.pass_on(server)

    played(play)


@pytest.mark.parametrize(
    ("method", "url", "length", "expected"),
    [
        (b"POST", b"/Advertisers/A/Conversions/Batch", b"70000", True),
        (b"POST", b"/Advertisers/A/Conversions/Batch.json?x=1", b"70000", True),
        (b"POST", b"/Advertisers/A/Conversions/Batch/", None, True),  # In chunks, so nobody knows.
        (b"POST", b"/Advertisers/A/Conversions/Batch", b"700", False),
        (b"POST", b"/Advertisers/A/Conversions", b"70000", False),
        (b"GET", b"/Advertisers/A/Conversions/Batch", None, False),
        (b"POST", b"/admin/Conversions/Batch", b"70000", False),
    ],
)
def test_what_is_a_batch_that_is_worth_it(method: bytes, url: bytes, length: bytes | None, expected: bool) -> None:
    headers = {} if length is None else {b"content-length": length}
    assert is_batch(method, url, headers) is expected
