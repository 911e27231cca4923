"""A request that is held at the gate: nothing of it is written, and its connection is whole afterwards."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from postbacks.egress.gate import Gate, port_of

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Ours, and the other."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        ours = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
        ours.setblocking(False)
        other.settimeout(5)
        with ours, other:
            yield ours, other


def test_nothing_is_written_until_it_is_opened(ends: Ends) -> None:
    ours, other = ends
    assert port_of(ours.fileno()) == ours.getsockname()[1]
    gate = Gate(ours.fileno())
    with pytest.raises(BlockingIOError):
        ours.send(b"early")
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    assert gate.open()
    ours.send(b"now")
    assert other.recv(99) == b"now"


def test_what_came_meanwhile_is_read_afterwards(ends: Ends) -> None:
    ours, other = ends
    gate = Gate(ours.fileno())
    other.send(b"a ticket")
    gate.open()
    ours.setblocking(True)
    assert ours.recv(99) == b"a ticket"


def test_a_number_that_was_closed_is_left_to_its_next_owner(ends: Ends) -> None:
    ours, other = ends
    number = ours.fileno()
    gate = Gate(number)
    ours.close()
    with closing(socket.socket()) as next_owner:
        assert next_owner.fileno() == number
        assert not gate.open()
        with pytest.raises(OSError, match="not connected"):
            next_owner.getpeername()
    assert other.recv(1) == b"", "and the connection is closed"


def test_a_connection_whose_request_is_given_back_is_closed(ends: Ends) -> None:
    ours, other = ends
    gate = Gate(ours.fileno())
    gate.abandon()
    ours.close()
    assert other.recv(1) == b""
