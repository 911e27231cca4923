"""When a connection is cut off, as far as a clock and a client's buffers would be needed to see it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from unittest.mock import Mock

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from front.connection import HEADER_BYTES, QUIET_SECONDS, Connection
from front.heads import Heads


async def nobody(scope: object, receive: object, send: object) -> None:
    """An application that is not asked."""


def looked_at(unsent: Sequence[int], *, began: Sequence[bytes] = ()) -> Mock:
    """The transport of a client that sent this, looked at as often, with so many bytes of answers left each time."""

    async def look() -> Mock:
        config = Config(nobody, http="httptools", ws="none", lifespan="off", log_config=None)
        connection = Connection(config, ServerState(), Heads(), None)
        transport = Mock(spec=asyncio.Transport)
        transport.get_extra_info.return_value = None
        transport.is_closing.return_value = False
        connection.connection_made(transport)
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
