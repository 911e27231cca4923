"""However a client writes a request to the wire, it is answered and recorded as Django does it with the whole.

The same requests each time; `make fuzz` makes more of them, and others: FUZZ_REPORTS and FUZZ_SEED.
"""

from __future__ import annotations

import base64
import random
import socket
import threading
from collections.abc import Iterator
from http.client import parse_headers
from typing import BinaryIO

import pytest

from actions.models import QueuedReport
from tests.front.test_reports import Shop
from tests.front.test_same_as_django import REPORTS, SEED, Asked, asked, recorded, told, without_own
from tests.support.factories import make_partner, make_term
from tests.support.patience import wait_until
from tests.support.web import Web, running_web

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE_VALUES, BEHIND_VALUES = ("", " ", "  ", "\t"), ("", " ", "  ")
# Java's client sends the first with each request.
OFFERS = ("Upgrade, HTTP2-Settings", "keep-alive, upgrade", "UPGRADE")


@pytest.fixture(scope="module")
def started(django_db_setup: None) -> Iterator[Web]:
    with running_web("--processes", "1") as web:
        yield web


def written(chance: random.Random, shop: Shop, request: Asked) -> bytes:
    """The request as one of many clients might write it."""
    method, path, sent, headers = request
    credentials = base64.b64encode(":".join(shop.auth).encode()).decode()
    own = {"Host": f"127.0.0.1:{shop.web.port}", "Authorization": f"Basic {credentials}", "Accept": "application/json"}
    lines = list({**own, **headers}.items())
    if chance.random() < 0.2:
        lines += [("Connection", chance.choice(OFFERS)), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAEAAEAAAAIAAAAA")]
    if chance.random() < 0.2:
        lines.append(("X-More", "v" * chance.choice((1, 100, 3000))))
    if sent and chance.random() < 0.1:
        lines.append(("Expect", "100-continue"))
    if chance.random() < 0.3:
        lines.append(("Transfer-Encoding", "chunked"))
        sent = b"".join(in_chunks(chance, sent))
    else:
        lines.append(("Content-Length", str(len(sent))))
    chance.shuffle(lines)
    head = [f"{method} /Advertisers/{shop.token.account_sid}/{path} HTTP/1.1"]
    for name, value in lines:
        spelled = chance.choice((name, name.lower(), name.upper()))
        head.append(f"{spelled}:{chance.choice(BEFORE_VALUES)}{value}{chance.choice(BEHIND_VALUES)}")
    return "\r\n".join([*head, "\r\n"]).encode("latin-1") + sent


def in_chunks(chance: random.Random, sent: bytes) -> Iterator[bytes]:
    while sent:
        piece, sent = sent[: (size := chance.randint(1, len(sent)))], sent[size:]
        yield b"%s%x%s\r\n%s\r\n" % (chance.choice((b"", b"00")), len(piece), chance.choice((b"", b";x=y")), piece)
    yield b"0\r\n%s\r\n" % chance.choice((b"", b"", b"X-Trailer: 1\r\n"))


def send(connection: socket.socket, data: bytes, piece: int) -> threading.Thread:
    """Sends it in pieces, while the answers are read: the web takes no more than so much ahead of them."""

    def push() -> None:
        for start in range(0, len(data), piece):
            connection.sendall(data[start : start + piece])

    thread = threading.Thread(target=push)
    thread.start()
    return thread


def next_answer(stream: BinaryIO) -> tuple[int, bytes]:
    """The status and the text of the next answer, behind those that only let the client go on."""
    status = int(stream.readline().split()[1])
    headers = parse_headers(stream)
    return next_answer(stream) if status == 100 else (status, stream.read(int(headers["Content-Length"])))


def test_it_does_not_matter_how_a_request_is_written(started: Web) -> None:
    shop, partner, chance = Shop(started), make_partner(), random.Random(SEED)  # noqa: S311 -- no secret
    make_term(shop.tracker, partner)
    order = done = 0
    with started.connect() as connection, connection.makefile("rb") as stream:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while done < REPORTS:
            group, data = [], b""
            for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):  # So many at once, before the first answer.
                request = asked(chance, shop.tracker, partner)
                if request.method == "POST":
                    order = done
                done += 1
                group.append((f"s-{order}", told(shop.django, request, f"l-{order}")))
                data += written(chance, shop, request.about(f"s-{order}"))
            sending = send(connection, data, chance.choice((len(data), 1 + len(data) // 2, 97)))
            for name, wanted in group:
                status, text = next_answer(stream)
                assert (status, without_own(text, name)) == wanted, data
            sending.join()
    wait_until(lambda: not QueuedReport.objects.exists(), 30, "all are recorded")
    short, long = recorded("s-"), recorded("l-")
    assert len(short) > REPORTS // 10
    assert short == long
