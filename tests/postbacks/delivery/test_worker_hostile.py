"""Receivers that misbehave in each way of their own, all at once, with real worker processes: each gets a clear reason
within the timeout, and the one that behaves notices nothing."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from threading import Thread
from typing import NamedTuple

import brotli
import pytest

from postbacks.models import Attempt, Delivery
from tests.support.factories import make_partner, make_postback, make_term, make_tracker, record_action
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import CeleryProcess, running_workers

pytestmark = pytest.mark.django_db(transaction=True)

RESPONSE_TIMEOUT, TOTAL_TIMEOUT = 1.5, 3.0
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def impatient_worker(django_db_setup: None) -> Iterator[CeleryProcess]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("POSTBACKS_CONNECT_TIMEOUT", "1")
        environment.setenv("POSTBACKS_RESPONSE_TIMEOUT", str(RESPONSE_TIMEOUT))
        environment.setenv("POSTBACKS_TOTAL_TIMEOUT", str(TOTAL_TIMEOUT))
        with running_workers() as worker:
            yield worker


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


def flood(connection: socket.socket, head: bytes, chunk: bytes) -> None:
    connection.sendall(HEAD + head + b"\r\n\r\n")
    for _ in range(1024):
        connection.sendall(chunk)


def a_gigabyte(connection: socket.socket) -> None:
    flood(connection, b"Content-Length: 1073741824", b"z" * 1024 * 1024)


def chunks_without_end(connection: socket.socket) -> None:
    flood(connection, b"Transfer-Encoding: chunked", b"100000\r\n" + b"z" * 1024 * 1024 + b"\r\n")


def say(body: bytes, status: bytes = b"HTTP/1.1 200 OK") -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        connection.sendall(status + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    return behave


def explode(connection: socket.socket) -> None:
    say(bomb(), b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip")(connection)


def explode_in_brotli(connection: socket.socket) -> None:
    say(brotli_bomb(), b"HTTP/1.1 200 OK\r\nContent-Encoding: br")(connection)


def unpack_to_nothing(connection: socket.socket) -> None:
    """Blocks without content, without end."""
    connection.sendall(HEAD + b"Content-Encoding: deflate\r\n\r\n\x78\x01")
    while True:
        connection.sendall(b"\0\0\0\xff\xff" * 10_000)


@cache
def bomb() -> bytes:
    """128 MB, compressed twice: some kilobytes."""
    return gzip.compress(gzip.compress(b"\0" * 128 * 1024 * 1024, 1), 1, mtime=0)


@cache
def brotli_bomb() -> bytes:
    """256 MB: some hundred bytes."""
    packed: bytes = brotli.compress(bytes(256 * 1024 * 1024), quality=5)
    return packed


FORGED = "12:00:00 CRITICAL forged: all is lost"
FORGERY = f"x\r\n{FORGED}\r\n\x1b[2J\x1b]0;x\x07".encode()
DOUBLED = "json: " + " | ".join(["[@,@][]"] * 40)


class Misdeed(NamedTuple):
    """What a receiver does, with the reason that its attempts get; `rules` are fields of the postback."""

    behave: Callable[[socket.socket], None]
    reason: str
    scheme: str = "http"
    rules: dict[str, str] = {}


LATE, LARGE = "The server did not answer in time.", "The answer's headers are too large."
FINE = "Status 200 is a success"
MISDEEDS = {
    "drip": Misdeed(drip, LATE),
    "hang": Misdeed(hang, LATE),
    "close early": Misdeed(close_early, "The connection was closed before the whole answer had come."),
    "broken header": Misdeed(break_the_header, "The answer was not HTTP."),
    "endless headers": Misdeed(flood_headers, LARGE),
    "endless interim answers": Misdeed(flood_interim, LARGE),
    "unfinished TLS": Misdeed(hang, "The TLS handshake did not end in time.", "https"),
    "forged log line": Misdeed(
        say(FORGERY, f"HTTP/1.1 500 {FORGED}\r\nX-Log: \x1b[2J{FORGED}".encode()), "Status 500 is not a success"
    ),
}
GREEDY = {
    "1 GB": Misdeed(a_gigabyte, FINE),
    "chunks without end": Misdeed(chunks_without_end, FINE),
    "compressed bomb": Misdeed(explode, FINE),
    "brotli bomb": Misdeed(explode_in_brotli, FINE),
    "compressed nothing": Misdeed(unpack_to_nothing, FINE),
    "exploding expression": Misdeed(
        say(b"a" * 65_000 + b"!"),
        "The rule /^(a|aa)+$/ took too long on this answer: simplify it",
        rules={"success_response": "/^(a|aa)+$/"},
    ),
    "exploding JSON": Misdeed(
        say(b"[1, 2, 3]"),
        f"The rules take more than 250,000 steps on this answer, at {DOUBLED[:79]}…: simplify them",
        rules={"success_response": DOUBLED},
    ),
    "deep JSON": Misdeed(
        say(b"[" * 65_000),
        "No success rule matched: expected json: a == `1` in the body",
        rules={"success_response": "json: a == `1`"},
    ),
}
READ_IN_FULL = ("1 GB", "chunks without end", "compressed bomb", "brotli bomb")
MOST_MEMORY = 50 * 1024 * 1024


class Scene:
    """A receiver that behaves beside those that do not, all of one event type."""

    def __init__(self, good: ScriptedReceiver, misdeeds: Mapping[str, Misdeed]) -> None:
        self.good = good
        self.tracker, self.partner = make_tracker(), make_partner()
        make_term(self.tracker, self.partner)
        make_postback(self.tracker, self.partner, name="good", url=good.url + "/{ActionId}")
        self._warm_up()
        self.receivers = [RawReceiver(misdeed.behave) for misdeed in misdeeds.values()]
        for (name, misdeed), receiver in zip(misdeeds.items(), self.receivers, strict=True):
            url = f"{misdeed.scheme}://127.0.0.1:{receiver.port}/{{ActionId}}"
            make_postback(self.tracker, self.partner, name=name, url=url, **misdeed.rules)

    def _warm_up(self) -> None:
        """So that each process has worked before its memory is looked at."""
        self._record(8)
        self.good.wait_for(8, timeout=20)
        wait_until(lambda: Attempt.objects.count() == 8, 5, "they are recorded")
        Attempt.objects.all().delete()

    def three_events(self) -> None:
        self._record(3)
        self.good.wait_for(11, timeout=5)

    def _record(self, count: int) -> None:
        for _ in range(count):
            items = [{"Sku": "A", "Quantity": 1, "SubTotal": "10.00"}]
            record_action(self.tracker, self.partner, CurrencyCode="USD", Items=items)

    def wait_for_first_attempts(self, watch: Callable[[], object] = lambda: None) -> None:
        wanted = 3 * (len(self.receivers) + 1)

        def tried() -> bool:
            watch()
            return Attempt.objects.filter(number=1).count() == wanted

        wait_until(tried, 20, "each was tried")
        for receiver in self.receivers:
            receiver.close()
        assert set(Delivery.objects.filter(postback__name="good").values_list("state", flat=True)) == {"delivered"}


def first_attempts(name: str) -> list[Attempt]:
    return list(Attempt.objects.filter(number=1, delivery__postback__name=name))


def test_each_misdeed_gets_its_reason_in_time_and_harms_nobody_else(impatient_worker: CeleryProcess) -> None:
    with ScriptedReceiver() as good:
        scene = Scene(good, MISDEEDS)
        scene.three_events()
        scene.wait_for_first_attempts()

    for name, misdeed in MISDEEDS.items():
        attempts = first_attempts(name)
        assert {attempt.reason for attempt in attempts} == {misdeed.reason}, name
        assert max(attempt.duration_ms for attempt in attempts) < (TOTAL_TIMEOUT + 5) * 1000, name
    hung = [attempt.duration_ms for attempt in first_attempts("hang")]
    assert min(hung) < TOTAL_TIMEOUT * 1000, "the first byte has a timeout of its own"
    log = impatient_worker.log.read_text()
    assert "\x1b" not in log
    assert [line for line in log.splitlines() if line.startswith(FORGED)] == []


def test_what_would_take_memory_or_time_without_end_is_cut(impatient_worker: CeleryProcess) -> None:
    assert 400 < len(bomb()) < 65_536, "it is read whole"
    assert 200 < len(brotli_bomb()) < 65_536, "it is read whole"
    with ScriptedReceiver() as good:
        scene = Scene(good, GREEDY)
        before = memory(impatient_worker)
        most = dict(before)

        def look() -> None:
            most.update({pid: max(now, most.get(pid, 0)) for pid, now in memory(impatient_worker).items()})

        scene.three_events()
        scene.wait_for_first_attempts(look)

    for name, misdeed in GREEDY.items():
        attempts = first_attempts(name)
        # The test's own threads, which make gigabytes, may be slow to answer.
        assert misdeed.reason in {attempt.reason for attempt in attempts} <= {misdeed.reason, LATE}, name
        lengths = {len(attempt.response_body) for attempt in attempts if attempt.reason == misdeed.reason}
        assert lengths == {65_536} if name in READ_IN_FULL else max(lengths) <= 65_536, name
    assert set(most) == set(before), "no process died of it"
    assert max(most[pid] - before[pid] for pid in before) < MOST_MEMORY


def memory(worker: CeleryProcess) -> dict[int, int]:
    """Bytes of each process of the worker, by its id."""
    return {process.pid: process.memory_info().rss for process in worker.children()}
