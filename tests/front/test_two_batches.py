"""Two batches at once, to the web as real processes: each is recorded by a process of its own."""

from __future__ import annotations

import base64
import json
import socket
from contextlib import ExitStack, closing

import pytest

from actions.api.tokens import create_token
from actions.models import Action
from front.spread import LEAST_BYTES
from tests.support.factories import make_tracker, report_fields
from tests.support.patience import wait_until
from tests.support.web import Web, running_web

pytestmark = pytest.mark.django_db(transaction=True)

LINES = 700
HELD_BY_ONE = 2


def held_by_one(web: Web, opened: ExitStack) -> list[socket.socket]:
    """Connections that one and the same process has accepted, as callers that keep theirs may have them; both processes
    accept some by then."""
    held: dict[int, list[socket.socket]] = {}
    while len(held) < 2 or max(map(len, held.values())) < HELD_BY_ONE:
        client = opened.enter_context(closing(web.connect()))
        own = client.getsockname()
        wait_until(lambda own=own: holder(web, own), 10, "the connection is accepted")  # type: ignore[misc]
        held.setdefault(holder(web, own), []).append(client)
    return max(held.values(), key=len)[-HELD_BY_ONE:]


def holder(web: Web, client: tuple[str, int]) -> int:
    """The process that holds the connection of this client; 0 if there is none."""
    for process in web.serving():
        if any(each.raddr == client for each in process.net_connections("tcp")):
            return process.pid
    return 0


@pytest.mark.parametrize("offer", ["", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"], ids=["", "HTTP/2"])
def test_two_batches_on_connections_of_one_process_are_recorded_by_two(offer: str) -> None:
    tracker = make_tracker()
    token, text = create_token("shop")
    head = (
        f"POST /Advertisers/{token.account_sid}/Conversions/Batch HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Basic {base64.b64encode(f'{token.account_sid}:{text}'.encode()).decode()}\r\n"
        f"Content-Type: application/x-ndjson\r\nAccept: application/json\r\n{offer}Content-Length: "
    )
    bodies = [
        "".join(json.dumps({**report_fields(tracker), "OrderId": f"{name}-{n}"}) + "\n" for n in range(LINES)).encode()
        for name in "AB"
    ]
    assert min(map(len, bodies)) > LEAST_BYTES
    with running_web("--quiet") as web, ExitStack() as opened:
        clients = held_by_one(web, opened)
        own = [client.getsockname() for client in clients]
        for client, body in zip(clients, bodies, strict=True):
            client.sendall(f"{head}{len(body)}\r\n\r\n".encode() + body[:1000])
        # Which of the two goes elsewhere depends on which is read first.
        wait_until(lambda: len({holder(web, each) for each in own} - {0}) == 2, 10, "each process has one of them")
        for client, body in zip(clients, bodies, strict=True):
            client.sendall(body[1000:])
        for client in clients:
            answer = b""
            while answer.count(b'"recorded"') < LINES:
                piece = client.recv(65_536)
                assert piece, answer[-500:]
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 ")
        assert {holder(web, each) for each in own} == {process.pid for process in web.serving()}
    assert Action.objects.count() == 2 * LINES
