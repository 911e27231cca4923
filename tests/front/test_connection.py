"""When a connection is cut off, as far as a clock and a client's buffers would be needed, and what is read of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from front.connection import HEADER_BYTES, QUIET_SECONDS, Connection
from front.heads import Heads


async def nobody(scope: object, receive: object, send: object) -> None:
    """An application that is not asked."""


def connected(application: Any) -> tuple[Connection, Mock]:
    """A connection in the loop that runs, and its transport."""
    config = Config(application, http="httptools", ws="none", lifespan="off", log_config=None)
    connection, transport = Connection(config, ServerState(), Heads(), None), Mock(spec=asyncio.Transport)
    transport.get_extra_info.return_value = None
    transport.is_closing.return_value = False
    connection.connection_made(transport)
    return connection, transport


def looked_at(unsent: Sequence[int], *, began: Sequence[bytes] = ()) -> Mock:
    """The transport of a client that sent this, looked at as often, with so many bytes of answers left each time."""

    async def look() -> Mock:
        connection, transport = connected(nobody)
        for piece in began:
            connection.data_received(piece)
        now = asyncio.get_running_loop().time()
        for size in unsent:
            transport.get_write_buffer_size.return_value = size
            now += 0.9 * QUIET_SECONDS
            connection.look(now)
        return transport

    return asyncio.run(look())


def test_who_says_nothing_is_cut_off() -> None:
    assert not looked_at([0]).close.called
    assert looked_at([0, 0]).close.called
    assert looked_at([0, 0], began=[b"GET / HTTP/1.1\r\nHost: "]).close.called


def test_who_takes_some_of_an_answer_is_not_and_who_takes_nothing_is() -> None:
    slow = looked_at([5, 4, 3, 2, 1])
    assert (slow.close.called, slow.abort.called) == (False, False)
    stuck = looked_at([5, 5, 5])
    assert (stuck.close.called, stuck.abort.called) == (False, True)


LONG = b"x" * (HEADER_BYTES // 2)
BEGUN = b"GET / HTTP/1.1\r\nX: "


@pytest.mark.parametrize(
    "began",
    [
        pytest.param([BEGUN + LONG + LONG + b"\r\n\r\n"], id="at once"),
        pytest.param([BEGUN + LONG, LONG], id="without an end"),
        pytest.param([BEGUN, *[b"x" * 60 + b"\r\nX: "] * (HEADER_BYTES // 64)], id="line by line"),
    ],
)
def test_a_long_head_is_refused_however_it_comes(began: Sequence[bytes]) -> None:
    transport = looked_at([], began=began)
    (sent,) = transport.write.call_args.args
    assert sent.startswith(b"HTTP/1.1 431 ")
    assert transport.close.called


def test_what_is_no_request_is_refused() -> None:
    transport = looked_at([], began=[b"no request\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
    (sent,) = transport.write.call_args.args
    assert sent.startswith(b"HTTP/1.1 400 ")
    assert transport.close.called


def asked(began: Sequence[bytes]) -> list[tuple[Any, bytes]]:
    """What the application is told of each request of a client that sends this: its scope, and its body."""
    requests: list[tuple[Any, bytes]] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        requests.append((scope, body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def serve() -> None:
        connection, _ = connected(answer)
        for piece in began:
            connection.data_received(piece)
            for _ in range(5):
                await asyncio.sleep(0)

    asyncio.run(serve())
    return requests


INNER = b"GET /inner HTTP/1.1\r\nHost: a\r\n\r\n"
OFFER = b"POST /offer HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: %s\r\n"
BODIES = {
    "of a length": b"Content-Length: %d\r\n\r\n%s" % (len(INNER), INNER),
    "in chunks": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER),
}


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("option", [b"Upgrade, HTTP2-Settings", b"keep-alive ,UPGRADE", b"upgrade x", b"x, upgrade\t"])
def test_a_request_that_offers_another_protocol_is_read_with_its_body(option: bytes, body: bytes, size: int) -> None:
    sent = OFFER % option + body + OFFER % option + b"\r\n" + INNER
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    read = [(scope["path"], body) for scope, body in asked(pieces)]
    assert read == [("/offer", INNER), ("/offer", b""), ("/inner", b"")]


@pytest.mark.parametrize("target", [b"a:80", b"/"])
def test_a_tunnel_is_refused(target: bytes) -> None:
    sent = b"CONNECT %s HTTP/1.1\r\nHost: a\r\n\r\n" % target + INNER
    assert asked([sent]) == []
    (answer,) = looked_at([], began=[sent]).write.call_args.args
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_the_space_around_a_value_is_no_part_of_it() -> None:
    ((scope, _),) = asked([b"GET / HTTP/1.1\r\nHost:\t a \r\nAuthorization: Basic eDp5 \t\r\nX:\r\n\r\n"])
    assert scope["headers"] == [(b"host", b"a"), (b"authorization", b"Basic eDp5"), (b"x", b"")]
