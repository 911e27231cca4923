"""The web as real processes: slow clients, large requests, threads that all hang; and how it starts anew and ends."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from django.db import connection, transaction

from actions.api.tokens import create_token
from actions.models import Action
from environment.addresses import LOCALHOST
from tests.support.factories import make_media_source, make_postback, make_tracker, report_fields
from tests.support.locks import waiting_for_locks
from tests.support.patience import wait_until
from tests.support.queued import grow_old
from tests.support.web import Web, read_all, running_web

pytestmark = pytest.mark.django_db(transaction=True)

IDLE, DRIPPING = 2000, 200
AT_ONCE = 4.0  # Seconds, on any machine; a probe that waited for the database would take five or more.
PROBES = ("/healthz", "/readyz", "/readyz/web")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared web would put what it does not keep in memory."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def web(django_db_setup: None, scratch: Path) -> Iterator[Web]:
    """One web, of one process, for the tests that do it no harm."""
    with running_web("--processes", "1", variables={"TMPDIR": str(scratch)}) as web:
        yield web


class Shop:
    """Reports conversions to a web."""

    def __init__(self, web: Web) -> None:
        self.tracker = make_tracker()
        token, text = create_token("shop")
        self.auth = (token.account_sid, text)
        self.url = f"{web.url}/Advertisers/{token.account_sid}/Conversions"
        self.headers = {"Accept": "application/json"}

    def report(self) -> requests.Response:
        fields = report_fields(self.tracker)
        return requests.post(self.url, data=fields, auth=self.auth, headers=self.headers, timeout=60)


def probed(web: Web, path: str) -> tuple[int, float]:
    """Status, and for how many seconds it was waited."""
    began = time.monotonic()
    status = requests.get(web.url + path, timeout=60).status_code
    return status, time.monotonic() - began


@contextmanager
def slow_clients(web: Web) -> Iterator[None]:
    """Connections that say nothing, and others that go on sending a byte of their headers or of their body."""
    headers = b"GET /admin/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
    body = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n"
    enough = threading.Event()
    with ExitStack() as opened:
        for _ in range(IDLE):
            opened.enter_context(web.connect())
        dripping = [opened.enter_context(web.connect()) for _ in range(DRIPPING)]
        for number, each in enumerate(dripping):
            each.sendall(body if number % 2 else headers)

        def drip() -> None:
            while not enough.wait(0.5):
                for each in dripping:
                    try:
                        each.sendall(b"x")
                    except OSError:
                        continue

        dropping = threading.Thread(target=drip)
        dropping.start()
        try:
            yield
        finally:
            enough.set()
            dropping.join()


def test_slow_clients_stop_neither_probes_nor_reports() -> None:
    with running_web() as web:
        shop = Shop(web)
        assert shop.report().json()["Status"] == "QUEUED"
        with slow_clients(web):
            assert [probed(web, path)[0] for path in ("/healthz", "/readyz/web")] == [200, 200]
            assert [shop.report().json()["Status"] for _ in range(5)] == ["QUEUED"] * 5
        wait_until(lambda: Action.objects.count() == 6, 20, "all are recorded")


SILENT = {
    "nothing": b"",
    "half of its headers": b"GET /admin/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "half of its body": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf",
}


def test_a_client_that_falls_silent_is_cut_off(web: Web) -> None:
    with ExitStack() as opened:
        connections = {sent: opened.enter_context(web.connect()) for sent in SILENT}
        for sent, connection in connections.items():
            connection.sendall(SILENT[sent])
        said = {sent: read_all(connection) for sent, connection in connections.items()}  # Until the web closes.
    assert all(answer == b"" or answer.startswith(b"HTTP/1.1 408 ") for answer in said.values()), said


BOUNDARY = b"--x\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n"
MULTIPART = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
REPORT = b"POST /Advertisers/PPx/Conversions HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
MEGABYTES = 50


def megabytes(chunked: bool) -> Iterator[bytes]:
    """In pieces of 64 kB."""
    for _ in range(MEGABYTES * 16):
        yield b"10000\r\n" + b"x" * 65_536 + b"\r\n" if chunked else b"x" * 65_536


@pytest.mark.parametrize("to", [pytest.param(MULTIPART, id="page"), pytest.param(REPORT, id="report")])
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_what_is_too_large_is_refused_before_it_is_read(to: bytes, chunked: bool, web: Web, scratch: Path) -> None:
    length = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: %d\r\n\r\n" % (MEGABYTES << 20)
    said = web.say(to, length, *megabytes(chunked))
    used = [process.memory_info().rss for process in web.serving()]
    assert web.answers()
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 65,536 bytes" in said
    assert list(scratch.iterdir()) == []
    assert max(used) < 200 << 20


def test_permission_to_send_too_much_is_not_given(web: Web) -> None:
    declared = b"Expect: 100-continue\r\nContent-Length: 90000000\r\n\r\n"
    assert web.say(MULTIPART, declared).startswith(b"HTTP/1.1 413 ")
    with web.connect() as connection:
        connection.sendall(MULTIPART + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")


def test_who_shows_credentials_has_the_room_of_the_address(web: Web) -> None:
    shop = Shop(web)
    large = "x" * 500_000
    fields = {**report_fields(shop.tracker), "Note": large}
    answer = requests.post(shop.url, data=fields, auth=shop.auth, headers=shop.headers, timeout=60)
    assert answer.status_code != 413
    too_large = requests.post(shop.url, data={"Note": large * 3}, auth=shop.auth, headers=shop.headers, timeout=60)
    assert (too_large.status_code, too_large.json()["Status"]) == (413, "ERROR")
    assert "1,048,576" in too_large.json()["Message"]


def test_reports_do_not_wait_for_a_row_that_somebody_holds_and_probes_go_on(web: Web) -> None:
    shop = Shop(web)
    postback = make_postback(shop.tracker, make_media_source())
    assert shop.report().status_code == 200
    answers: list[requests.Response] = []
    reporting = [threading.Thread(target=lambda: answers.append(shop.report())) for _ in range(12)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM postbacks_postback WHERE id = %s FOR UPDATE", [postback.pk])
        for each in reporting:
            each.start()
        wait_until(waiting_for_locks, 20, "the web waits for the row")
        for path in PROBES:
            assert probed(web, path)[1] < AT_ONCE
        for each in reporting:
            each.join()
        assert {answer.status_code for answer in answers} == {200}
    assert shop.report().status_code == 200
    grow_old()
    wait_until(lambda: Action.objects.count() == 14, 20, "all are recorded")


def test_a_database_that_says_nothing_does_not_silence_the_probes() -> None:
    with socket.create_server((LOCALHOST, 0)) as silent, ExitStack() as left:
        url = f"postgres://u:p@{LOCALHOST}:{silent.getsockname()[1]}/x"
        with running_web("--processes", "1", variables={"DATABASE_URL": url}) as web:
            for _ in range(20):
                left.enter_context(web.connect()).sendall(b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
                left.enter_context(web.connect()).sendall(REPORT + b"Authorization: Basic UFB4Ong=\r\n\r\n")
            silent.settimeout(60)
            silent.accept()[0].close()  # The web asks.
            for _ in range(3):
                assert probed(web, "/healthz") < (200, AT_ONCE)
                for path in PROBES[1:]:
                    status, seconds = probed(web, path)
                    assert status == 503
                    assert seconds < AT_ONCE
            said = requests.get(f"{web.url}/readyz", timeout=60).json()["checks"]["database"]["fix"]
            assert "The database" in said


def test_it_starts_anew_without_refusing_anybody() -> None:
    with running_web() as web:
        before = {child.pid for child in web.serving()}
        web.process.send_signal(signal.SIGHUP)
        answered = 0

        def renewed() -> bool:
            nonlocal answered
            answered += requests.get(f"{web.url}/healthz", timeout=60).ok
            return web.log.read_text().count("Stopped old worker") == 2

        wait_until(renewed, 60, "both processes are others")
        assert len(before) == 2
        assert not before & {child.pid for child in web.serving()}
        assert answered > 0


def test_it_leaves_no_process_behind_when_it_is_killed() -> None:
    web = Web()
    with web:
        serving = web.serving()
        assert len(serving) == 2
        os.kill(web.process.pid, signal.SIGKILL)
        wait_until(
            lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in serving),
            20,
            "they end",
        )


def test_a_name_with_an_underscore_is_no_proxys() -> None:
    with running_web("--processes", "1", variables={"HTTPS_ONLY": "true"}) as web:
        plain = {"Host": "localhost"}
        proxied = {**plain, "X-Forwarded-Proto": "https"}
        made_up = {**plain, "X_Forwarded_Proto": "https"}

        def status(headers: dict[str, str]) -> int:
            address = f"{web.url}/admin/login/"
            return requests.get(address, headers=headers, allow_redirects=False, timeout=60).status_code

        assert [status(each) for each in (plain, proxied, made_up)] == [301, 200, 301]
