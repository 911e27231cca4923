"""Receivers that misbehave in each way of their own, all at once, with real worker processes: each gets a clear reason
within the timeout, and the one that behaves notices nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest

from partners.models import ActionTracker, Partner
from postbacks.models import Attempt, Delivery
from tests.factories import make_partner, make_postback, make_term, make_tracker, record_action
from tests.receiver import ScriptedReceiver
from tests.workers import running_workers, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

RESPONSE_TIMEOUT, TOTAL_TIMEOUT = 1.0, 3.0
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module", autouse=True)
def workers(django_db_setup: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("POSTBACKS_CONNECT_TIMEOUT", "1")
        environment.setenv("POSTBACKS_RESPONSE_TIMEOUT", str(RESPONSE_TIMEOUT))
        environment.setenv("POSTBACKS_TOTAL_TIMEOUT", str(TOTAL_TIMEOUT))
        with running_workers():
            yield


class RawReceiver:
    """Hands every connection, once its request has come, to `behave`, in a thread of its own."""

    def __init__(self, behave: Callable[[socket.socket], None]) -> None:
        self._behave = behave
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65_536)
            self._behave(connection)

    def close(self) -> None:
        self._socket.close()


def drip(connection: socket.socket) -> None:
    for byte in HEAD + b"Content-Length: 100\r\n\r\n" + b"x" * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.3)


def hang(_connection: socket.socket) -> None:
    time.sleep(3 * TOTAL_TIMEOUT)


def close_early(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 100\r\n\r\npart")


def break_the_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/nonsense\r\n\x00\x01\x02\r\n\r\n")


def flood_headers(connection: socket.socket) -> None:
    connection.sendall(HEAD)
    while True:
        connection.sendall(b"X-More: " + b"y" * 1000 + b"\r\n")


def flood_interim(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 102 Processing\r\nX-More: " + b"y" * 1000 + b"\r\n\r\n")


def flood_body(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 10000000\r\n\r\n")
    connection.sendall(b"z" * 10_000_000)


MISDEEDS = {
    "drip": (drip, "http", "The server did not answer in time."),
    "hang": (hang, "http", "The server did not answer in time."),
    "close early": (close_early, "http", "The connection was closed before the whole answer had come."),
    "broken header": (break_the_header, "http", "The answer was not HTTP."),
    "endless headers": (flood_headers, "http", "The answer's headers are too large."),
    "endless interim answers": (flood_interim, "http", "The answer's headers are too large."),
    "10 MB": (flood_body, "http", "Status 200 is a success"),
    "unfinished TLS": (hang, "https", "The TLS handshake did not end in time."),
}


def test_each_misdeed_gets_its_reason_in_time_and_harms_nobody_else() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    with ScriptedReceiver() as good:
        make_postback(tracker, partner, name="good", url=good.url + "/{ActionId}")
        receivers = {name: RawReceiver(behave) for name, (behave, _, _) in MISDEEDS.items()}
        for name, receiver in receivers.items():
            url = f"{MISDEEDS[name][1]}://127.0.0.1:{receiver.port}/{{ActionId}}"
            make_postback(tracker, partner, name=name, url=url)
        began = time.monotonic()
        for _ in range(3):
            record(tracker, partner)
        good.wait_for(3, timeout=5)
        assert time.monotonic() - began < 2, "those that behave are served at once"
        first = Attempt.objects.filter(number=1)
        wait_until(lambda: first.count() == 3 * (len(MISDEEDS) + 1), 15, "each was tried")
        for receiver in receivers.values():
            receiver.close()

    for name, (_, _, reason) in MISDEEDS.items():
        attempts = list(first.filter(delivery__postback__name=name))
        assert {attempt.reason for attempt in attempts} == {reason}, name
        assert max(attempt.duration_ms for attempt in attempts) < (TOTAL_TIMEOUT + 0.5) * 1000, name
    assert {len(attempt.response_body) for attempt in first.filter(delivery__postback__name="10 MB")} == {65_536}
    hung = first.filter(delivery__postback__name="hang").values_list("duration_ms", flat=True)
    assert max(hung) < (RESPONSE_TIMEOUT * 1.1 + 0.6) * 1000, "the first byte has a timeout of its own"
    assert set(Delivery.objects.filter(postback__name="good").values_list("state", flat=True)) == {"delivered"}


def record(tracker: ActionTracker, partner: Partner) -> None:
    record_action(tracker, partner, CurrencyCode="USD", Items=[{"Sku": "A", "Quantity": 1, "SubTotal": "10.00"}])
