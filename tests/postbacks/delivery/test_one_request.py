"""An attempt is one request, whatever the server does: libcurl, left alone, repeats one up to five times."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import certifi
import pytest
from pytest_django import Settings

from postbacks.delivery.outcomes import Prepared
from postbacks.delivery.sender import Sender
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from postbacks.verdicts.retry import MAXIMUM_ATTEMPTS
from tests.support import kept_connections as ends
from tests.support.delivery_rows import claimed, make_request, prepared
from tests.support.kept_connections import End, KeptConnections, kept_connections
from tests.support.sending import Outcomes
from tests.support.tls_redis import make_certificates
from tests.support.wire import Proxy

pytestmark = pytest.mark.usefixtures("loopback_is_allowed")

WARM = 4  # Connections that are kept when the request is made: libcurl would go from one to the next.


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def sender(outcomes: Outcomes) -> Iterator[Sender]:
    sender = Sender(outcomes.on_sent, outcomes.on_unsent)
    sender.start()
    yield sender
    sender.stop(0)


@pytest.fixture
def client(sender: Sender, outcomes: Outcomes) -> tuple[Sender, Outcomes]:
    return sender, outcomes


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ssl.SSLContext]:
    """For a server named `localhost`, which speaks these protocols."""
    make_certificates(tmp_path)
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "ca.crt"))

    def context(*protocols: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "redis.crt", tmp_path / "redis.key")
        context.set_alpn_protocols(protocols)
        return context

    return context


def a_request(url: str, method: str, attempt: int = 1) -> Prepared:
    body = b"a=b" if method == "POST" else None
    return prepared(claimed(attempt=attempt), url)._replace(request=make_request(url, body))


def warm_up(sender: Sender, outcomes: Outcomes, server: KeptConnections, url: str) -> None:
    """Leaves connections behind that have answered once."""
    sender.put([prepared(claimed(lane=lane), url) for lane in range(WARM)])
    assert all(isinstance(done.answer, Answer) for done in outcomes.wait_for(WARM))
    outcomes.sent.clear()
    server.asked.clear()


def one_answer(sender: Sender, outcomes: Outcomes, request: Prepared) -> Answer | Failure:
    sender.put([request])
    (done,) = outcomes.wait_for(1)
    outcomes.sent.clear()
    return done.answer


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", [ends.close, ends.reset])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_that_goes_down_with_a_kept_connection_is_made_once_and_its_next_attempt_gets_a_new_one(
    client: tuple[Sender, Outcomes], tls: Callable[..., ssl.SSLContext], scheme: str, end: End, method: str
) -> None:
    sender, outcomes = client
    with kept_connections(end, tls("http/1.1") if scheme == "https" else None, together=WARM) as server:
        url = f"{scheme}://localhost:{server.port}/"
        warm_up(sender, outcomes, server, url)
        answer = one_answer(sender, outcomes, a_request(url, method))
        assert isinstance(answer, Failure)
        assert answer.code is Code.DROPPED
        assert [(asked.number, asked.line.split()[0]) for asked in server.asked] == [(2, method)]

        assert isinstance(one_answer(sender, outcomes, a_request(url, method, attempt=2)), Answer)
        assert [asked.number for asked in server.asked] == [2, 1]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", [ends.close, ends.reset, ends.go_away, ends.refuse])
def test_so_it_is_over_http_2(
    sender: Sender, outcomes: Outcomes, tls: Callable[..., ssl.SSLContext], end: End, method: str
) -> None:
    with kept_connections(end, tls("h2"), from_the=WARM + 1) as server:
        url = f"https://localhost:{server.port}/"
        for _ in range(WARM):  # One after the other, on one connection.
            assert isinstance(one_answer(sender, outcomes, a_request(url, "GET")), Answer)
        assert [asked.number for asked in server.asked] == [1, 2, 3, 4]
        answer = one_answer(sender, outcomes, a_request(url, method))
        assert isinstance(answer, Failure)
        assert answer.code is Code.DROPPED
        assert len(server.asked) == WARM + 1


@pytest.mark.parametrize("end", [ends.refuse, ends.require_http_1_1])
def test_what_http_2_refuses_on_a_new_connection_is_asked_once_more_over_http_1_1(
    sender: Sender, outcomes: Outcomes, tls: Callable[..., ssl.SSLContext], end: End
) -> None:
    with kept_connections(end, tls("h2", "http/1.1"), from_the=1) as server:
        url = f"https://localhost:{server.port}/"
        answer = one_answer(sender, outcomes, a_request(url, "POST"))
        assert isinstance(answer, Failure)
        assert answer.code is Code.DROPPED
        assert len(server.asked) == 1
        assert isinstance(one_answer(sender, outcomes, a_request(url, "POST", attempt=2)), Answer)
        assert [asked.line for asked in server.asked] == ["", "POST / HTTP/1.1"]


@pytest.mark.parametrize("end", [ends.close, ends.reset])
def test_a_new_connection_that_ends_without_an_answer_is_a_failure_of_the_server(
    sender: Sender, outcomes: Outcomes, end: End
) -> None:
    with kept_connections(end, from_the=1) as server:
        url = f"http://localhost:{server.port}/"
        for attempt in (1, 2, MAXIMUM_ATTEMPTS):
            answer = one_answer(sender, outcomes, a_request(url, "POST", attempt))
            assert isinstance(answer, Failure)
            assert answer.code is Code.BROKEN
        assert len(server.asked) == 3


def test_the_last_attempt_never_goes_down_with_a_kept_connection(sender: Sender, outcomes: Outcomes) -> None:
    with kept_connections(ends.close, together=WARM) as server:
        url = f"http://localhost:{server.port}/"
        warm_up(sender, outcomes, server, url)
        assert isinstance(one_answer(sender, outcomes, a_request(url, "GET", MAXIMUM_ATTEMPTS)), Answer)
        assert [asked.number for asked in server.asked] == [1]


@pytest.mark.parametrize(
    ("status", "more", "headers"),
    [
        (401, "WWW-Authenticate: Basic realm=x", {}),
        (401, "WWW-Authenticate: Negotiate", {"Authorization": "Basic dTpw"}),
        (407, "Proxy-Authenticate: Basic realm=x", {}),
        (417, "X-Why: none", {"Expect": "100-continue"}),
        (307, "Location: /elsewhere", {}),
        (408, "Connection: close", {}),
        (425, "X-Why: early", {}),
        (503, "Retry-After: 0", {}),
    ],
)
@pytest.mark.parametrize("user", ["", "user:secret@"])
def test_an_answer_that_asks_for_another_request_is_the_answer(
    client: tuple[Sender, Outcomes], status: int, more: str, headers: dict[str, str], user: str
) -> None:
    sender, outcomes = client
    said = ends.say(f"HTTP/1.1 {status} Said\r\n{more}\r\nContent-Length: 0\r\n\r\n".encode())
    with kept_connections(said, from_the=1) as server:
        url = f"http://{user}localhost:{server.port}/"
        request = prepared(claimed(), url)._replace(request=make_request(url, b"x" * 2_000_000, headers))
        answer = one_answer(sender, outcomes, request)
        assert isinstance(answer, Answer), answer
        assert answer.status_code == status
        assert len(server.asked) == 1


@pytest.mark.parametrize("end", [ends.close, ends.reset])
def test_so_it_is_behind_a_proxy(sender_by_proxy: tuple[Sender, Outcomes, Proxy], end: End) -> None:
    sender, outcomes, proxy = sender_by_proxy
    with kept_connections(end, together=WARM) as server:
        url = f"http://partner.example:{server.port}/"
        warm_up(sender, outcomes, server, url)
        proxy.asked.clear()
        answer = one_answer(sender, outcomes, a_request(url, "POST"))
        assert isinstance(answer, Failure)
        assert answer.code is Code.DROPPED
        assert len(proxy.asked) == len(server.asked) == 1


@pytest.fixture
def sender_by_proxy(settings: Settings) -> Iterator[tuple[Sender, Outcomes, Proxy]]:
    with closing(Proxy()) as proxy:
        settings.POSTBACKS_EGRESS_PROXY = proxy.url
        outcomes = Outcomes()
        sender = Sender(outcomes.on_sent, outcomes.on_unsent)
        sender.start()
        yield sender, outcomes, proxy
        sender.stop(0)
