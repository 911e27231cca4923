"""The client for all that is not a postback: what it says, by `responses`; its guard and limits, on real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from ipaddress import IPv4Network
from typing import Any

import pytest
import requests
import responses
from pytest_django import Settings
from responses.matchers import header_matcher, json_params_matcher, request_kwargs_matcher

from postbacks.egress import client
from postbacks.egress.answer import Answer
from postbacks.egress.client import ask
from postbacks.egress.failures import LATE_ANSWER, LATE_CONNECTION, NO_CONNECTION, UNKNOWN_HOST, Code, Failure
from postbacks.request.building import USER_AGENT
from tests.support.receiver import Close, Hang, Response, ScriptedReceiver
from tests.support.wire import Proxy, RawServer
from value_types.secret_text import SecretText

URL = "https://chat.example/hooks/s3cr3t-token"


def answer_to(method: str, url: str, **content: Any) -> Answer:
    answer = ask(method, url, **content)
    assert isinstance(answer, Answer), answer
    return answer


def failure_of(url: str = URL, method: str = "GET", **content: Any) -> Failure:
    failure = ask(method, url, **content)
    assert isinstance(failure, Failure)
    return failure


# What it says.


@responses.activate
def test_a_notice_goes_out_as_json_and_its_answer_comes_back() -> None:
    patience = {"timeout": (5.0, 10.0), "stream": True}
    said = [
        json_params_matcher({"text": "Held: Orders"}),
        header_matcher({"User-Agent": USER_AGENT, "X-Room": "7"}),
        request_kwargs_matcher(patience),
    ]
    responses.post(URL, body="queued", status=202, headers={"X-Id": "1"}, match=said)
    answer = answer_to("POST", URL, json={"text": "Held: Orders"}, headers={"X-Room": "7"})
    assert (answer.status_code, answer.content, answer.header("x-id")) == (202, b"queued", "1")


@responses.activate
@pytest.mark.parametrize("status", [301, 404, 503])
def test_any_status_is_an_answer_and_redirects_are_not_followed(status: int) -> None:
    responses.get(URL, status=status, headers={"Location": "https://elsewhere.example/"})
    assert answer_to("GET", URL).status_code == status
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (requests.exceptions.ProxyError, Code.PROXY),
        (requests.exceptions.SSLError, Code.TLS),
        (requests.exceptions.ReadTimeout, Code.TIMEOUT),
        (requests.exceptions.ContentDecodingError, Code.BAD_ANSWER),
        (requests.exceptions.ConnectionError, Code.BROKEN),
        (requests.exceptions.ChunkedEncodingError, Code.BROKEN),
        (requests.exceptions.InvalidHeader, Code.INVALID_URL),
        (requests.exceptions.RequestException, Code.OTHER),
    ],
)
def test_each_exception_is_a_failure_whose_text_tells_no_secret(raised: type[Exception], code: Code) -> None:
    responses.get(URL, body=raised(f"Max retries exceeded with url: {URL}"))
    failure = failure_of()
    assert failure.code is code
    assert "s3cr3t" not in failure.text
    assert failure.text.endswith(".")


@responses.activate
def test_an_answer_has_a_largest_size() -> None:
    responses.get(URL, body=b"x" * client.MOST_BYTES)
    assert len(answer_to("GET", URL).content) == client.MOST_BYTES
    responses.replace(responses.GET, URL, body=b"x" * (client.MOST_BYTES + 1))
    assert failure_of() == Failure(Code.BAD_ANSWER, "The answer is longer than 1,048,576 bytes.")


@pytest.mark.parametrize("url", ["chat.example", "ftp://chat.example/", "http://", "http://[::1"])
def test_what_is_no_url_is_not_sent(url: str) -> None:
    assert failure_of(url).code is Code.INVALID_URL


# On real sockets.


@pytest.fixture
def loopback(settings: Settings) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to, in place of any name server."""
    known: dict[str, list[str]] = {}
    look_up = socket.getaddrinfo

    def found(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [entry for each in known.get(host, [host]) for entry in look_up(each, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return known


def test_only_allowed_addresses_are_connected_to_whatever_the_name_says(
    settings: Settings, names: dict[str, list[str]], raw: RawServer
) -> None:
    port = raw.address.partition(":")[2]
    names["chat.example"] = ["127.0.0.1"]
    failure = failure_of(f"http://chat.example:{port}/")
    assert failure.code is Code.ADDRESS
    assert failure.text.startswith("127.0.0.1 is a loopback address")
    assert raw.connections == 0

    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.1/32")]
    names["chat.example"] = ["10.0.0.1", "127.0.0.1"]
    assert answer_to("GET", f"http://chat.example:{port}/").status_code == 200
    assert raw.connections == 1

    settings.POSTBACKS_ALLOWED_PORTS = [range(443, 444)]
    assert failure_of(f"http://chat.example:{port}/").code is Code.PORT
    assert raw.connections == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "https://0xa9fea9fe/", "http://localhost:8000/"])
def test_a_url_that_names_such_an_address_is_refused(url: str) -> None:
    assert failure_of(url).code is Code.ADDRESS


@pytest.mark.usefixtures("loopback")
def test_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, raw: RawServer) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert answer_to("GET", raw.url).content == b"OK"


@pytest.mark.usefixtures("loopback")
def test_what_fails_on_the_way_is_told_apart(settings: Settings, raw: RawServer) -> None:
    settings.POSTBACKS_RESPONSE_TIMEOUT = 0.3
    with socket.socket() as taken:  # Nobody listens there.
        taken.bind(("127.0.0.1", 0))
        assert failure_of(f"http://127.0.0.1:{taken.getsockname()[1]}/") == NO_CONNECTION
    assert failure_of("http://chat.invalid/") == UNKNOWN_HOST
    assert failure_of(raw.url.replace("http:", "https:")).code is Code.TLS
    with ScriptedReceiver(lambda _: Close()) as receiver:
        assert failure_of(receiver.url).code is Code.BROKEN
        receiver.script = lambda _: Hang()
        assert failure_of(receiver.url) == LATE_ANSWER
    raw.payload = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    assert failure_of(raw.url).code is Code.BROKEN


@pytest.mark.usefixtures("loopback")
def test_certificates_are_checked_against_the_name(names: dict[str, list[str]], tls_receiver: int) -> None:
    names |= {"redis": ["127.0.0.1"], "chat.example": ["127.0.0.1"]}
    assert answer_to("GET", f"https://redis:{tls_receiver}/").content == b"OK"
    assert failure_of(f"https://chat.example:{tls_receiver}/").code is Code.TLS


@pytest.mark.usefixtures("loopback")
def test_the_whole_has_its_time(settings: Settings) -> None:
    settings.POSTBACKS_TOTAL_TIMEOUT = 0.1
    with ScriptedReceiver(lambda _: Response(200, "x" * 100, delay_seconds=0.3)) as receiver:
        assert failure_of(receiver.url) == LATE_ANSWER


def test_the_egress_proxy_is_used_and_only_its_own_address_is_free(settings: Settings) -> None:
    with closing(Proxy()) as proxy, ScriptedReceiver() as receiver:
        settings.POSTBACKS_EGRESS_PROXY = proxy.url
        url = f"http://chat.example:{receiver.port}/in"
        assert answer_to("GET", url).status_code == 200
        assert proxy.asked == [f"GET {url}"]
        assert failure_of("http://10.0.0.1/").code is Code.ADDRESS
        assert proxy.connections == 1


def test_a_proxy_that_refuses_or_is_gone_is_named(settings: Settings) -> None:
    with closing(Proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")) as proxy:
        settings.POSTBACKS_EGRESS_PROXY = proxy.url
        assert failure_of().code is Code.PROXY
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.POSTBACKS_EGRESS_PROXY = SecretText(f"http://127.0.0.1:{taken.getsockname()[1]}")
        for url in (URL, "http://chat.example/"):
            assert failure_of(url).code is Code.PROXY


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    ("scheme", "said"),
    [
        pytest.param("http", b"HTTP/1.1 200 OK\r\nX-A: ", id="a header without end"),
        pytest.param("http", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", id="a body"),
        pytest.param("https", b"\x16\x03\x03\x3f\xff\x02", id="a handshake"),
    ],
)
def test_a_server_that_drips_is_cut_off_when_the_time_is_over(settings: Settings, scheme: str, said: bytes) -> None:
    settings.POSTBACKS_TOTAL_TIMEOUT = 0.4
    with dripping(said) as address:
        began = time.monotonic()
        assert failure_of(f"{scheme}://{address}/") == LATE_ANSWER
        assert time.monotonic() - began < 5, "each byte comes in time, and there are some thousand of them"


@contextmanager
def dripping(said: bytes) -> Iterator[str]:
    """A server that begins so, and goes on with a byte each twentieth of a second."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(said)
            while not ended.wait(0.05):
                connection.sendall(b"a")

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            server.shutdown(socket.SHUT_RDWR)


@pytest.mark.usefixtures("loopback")
def test_many_addresses_that_do_not_answer_share_the_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.POSTBACKS_TOTAL_TIMEOUT, settings.POSTBACKS_CONNECT_TIMEOUT = 0.3, 0.2
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        where = full.getsockname()
        for _ in range(3):  # Its queue is full, so that further connections wait.
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(where)
        many = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", where)] * 100
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: many)
        began = time.monotonic()
        assert failure_of(f"http://chat.example:{where[1]}/") in (LATE_ANSWER, LATE_CONNECTION)
        assert time.monotonic() - began < 5, "a hundred times a fifth of a second"


def test_a_name_that_leads_elsewhere_when_it_is_asked_again_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, raw: RawServer
) -> None:
    """A resolver that names a public address first and a private one afterwards."""
    port = int(raw.address.partition(":")[2])
    asked: list[str] = []
    opened: list[str] = []

    def rebinding(_host: str, port: int, *_args: Any, **_kwargs: Any) -> list[Any]:
        asked.append("8.8.8.8" if not asked else "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (asked[-1], port))]

    def connect(self: socket.socket, where: Any) -> None:
        opened.append(where[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with monkeypatch.context() as offline:
        offline.setattr("socket.socket.connect", connect)
        assert failure_of(f"http://chat.example:{port}/") == NO_CONNECTION
    assert (asked, opened) == (["8.8.8.8"], ["8.8.8.8"]), "what was looked up once is what is connected to"
    assert failure_of(f"http://chat.example:{port}/").code is Code.ADDRESS
    assert raw.connections == 0


def test_a_redirect_to_a_private_address_is_not_followed(settings: Settings, raw: RawServer) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    with ScriptedReceiver() as inside:
        raw.payload = (
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: " + inside.url.encode() + b"\r\nContent-Length: 0\r\n\r\n"
        )
        assert answer_to("POST", raw.url, json={}).status_code == 307
        assert inside.arrivals == []
