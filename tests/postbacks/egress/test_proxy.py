"""All requests through one proxy: it opens the connections, and what a URL says by itself is refused before."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from environment.reading import proxy as read_proxy
from postbacks.delivery.sender import Sender
from postbacks.egress.answer import Answer
from postbacks.egress.curl_failures import INVALID_CERTIFICATE, NO_PROXY
from postbacks.egress.failures import Code, Failure
from postbacks.egress.transport import send
from postbacks.request.building import Request
from tests.support.delivery_rows import claimed, prepared
from tests.support.receiver import ScriptedReceiver
from tests.support.sending import Outcomes
from tests.support.wire import PASSWORD, Proxy
from value_types.secret_text import SecretText


@pytest.fixture
def proxy(settings: Settings) -> Iterator[Proxy]:
    """The proxy is on this machine, which no setting allows: its own address is not asked about."""
    with closing(Proxy()) as proxy:
        settings.POSTBACKS_EGRESS_PROXY = proxy.url
        yield proxy


def test_requests_go_to_the_proxy_over_one_connection_that_is_kept(proxy: Proxy) -> None:
    outcomes = Outcomes()
    sender = Sender(outcomes.on_sent, outcomes.on_unsent)
    sender.start()
    with ScriptedReceiver() as receiver:
        place = f"partner.example:{receiver.port}"
        for number in (1, 2, 3):
            sender.put([prepared(claimed(), f"http://{place}/in?n={number}")])
            answer = outcomes.wait_for(number)[-1].answer
            assert isinstance(answer, Answer), answer
            assert answer.status_code == 200
        assert [arrival.query["n"] for arrival in receiver.arrivals] == ["1", "2", "3"]
    sender.stop(5)
    assert proxy.asked == [f"GET http://{place}/in?n={number}" for number in (1, 2, 3)]
    assert proxy.connections == 1
    assert len(proxy.authorizations) == 1


def test_tls_goes_through_a_tunnel_and_is_checked_as_ever(proxy: Proxy, tls_receiver: int) -> None:
    answer = send(Request("GET", f"https://redis:{tls_receiver}/in", {}))
    assert isinstance(answer, Answer), answer
    assert (answer.status_code, answer.content) == (200, b"OK")
    assert answer.header_text == "Content-Length: 2\nX-Of: receiver", "nothing of what the proxy said"
    assert send(Request("GET", f"https://partner.example:{tls_receiver}/in", {})) == INVALID_CERTIFICATE
    assert proxy.asked == [f"CONNECT redis:{tls_receiver}", f"CONNECT partner.example:{tls_receiver}"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:8080/", "127.0.0.1 is a loopback address"),
        ("https://0xa9fea9fe/", "169.254.169.254 is a cloud metadata address"),
        ("http://[::ffff:10.0.0.1]/", "10.0.0.1, is a private address"),
        ("http://localhost/", "127.0.0.1 is a loopback address"),
        ("https://partner.example:25/", "port 25 is not called"),
    ],
)
def test_what_a_url_says_by_itself_never_reaches_the_proxy(proxy: Proxy, url: str, reason: str) -> None:
    failure = send(Request("GET", url, {}))
    assert isinstance(failure, Failure)
    assert failure.code is (Code.PORT if "port" in reason else Code.ADDRESS)
    assert reason in failure.text
    assert proxy.connections == 0


GATEWAY = "The egress proxy could not reach the host: it answered with status"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (403, Failure(Code.PROXY, "The egress proxy refused the connection, with status 403.")),
        (407, Failure(Code.PROXY, "The egress proxy refused the connection, with status 407.")),
        (500, Failure(Code.PROXY, "The egress proxy refused the connection, with status 500.")),
        (502, Failure(Code.REFUSED, f"{GATEWAY} 502.")),
        (503, Failure(Code.REFUSED, f"{GATEWAY} 503.")),
        (504, Failure(Code.CONNECT_TIMEOUT, f"{GATEWAY} 504.")),
    ],
)
def test_a_proxy_that_refuses_is_told_from_a_host_that_it_cannot_reach(
    settings: Settings, status: int, expected: Failure
) -> None:
    with closing(Proxy(b"HTTP/1.1 %d So\r\nContent-Length: 0\r\n\r\n" % status)) as proxy:
        settings.POSTBACKS_EGRESS_PROXY = proxy.url
        assert send(Request("GET", "https://partner.example/in", {})) == expected
        assert proxy.asked == ["CONNECT partner.example:443"]


def test_a_proxy_that_is_gone_is_named(settings: Settings) -> None:
    with socket.socket() as taken:  # Nobody listens there.
        taken.bind(("127.0.0.1", 0))
        for nobody in (f"http://127.0.0.1:{taken.getsockname()[1]}", "http://no-such-host.invalid:3128"):
            settings.POSTBACKS_EGRESS_PROXY = SecretText(nobody)
            assert send(Request("GET", "http://partner.example/in", {})) == NO_PROXY


@pytest.mark.parametrize("said", [b"\r\n", b"SSH-2.0-OpenSSH_9.9\r\n"])
def test_a_proxy_that_hangs_up_or_talks_nonsense_is_named(settings: Settings, said: bytes) -> None:
    with closing(Proxy(said)) as proxy:
        settings.POSTBACKS_EGRESS_PROXY = proxy.url
        failure = send(Request("GET", "https://partner.example/in", {}))
        assert proxy.asked == ["CONNECT partner.example:443"]
    text = "The egress proxy (POSTBACKS_EGRESS_PROXY) opened no connection to the host."
    assert failure == Failure(Code.PROXY, text)


def test_a_host_behind_the_proxy_that_hangs_up_is_not_the_proxys_fault(proxy: Proxy, settings: Settings) -> None:
    settings.POSTBACKS_CONNECT_TIMEOUT = 60  # However long it takes on a busy machine, no timeout is what is told.
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        Thread(target=hang_up, daemon=True).start()
        failure = send(Request("GET", f"https://partner.example:{server.getsockname()[1]}/in", {}))
    assert isinstance(failure, Failure)
    assert failure.code is Code.TLS


def test_the_setting_is_a_url_with_a_port_and_no_message_shows_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P", f" http://user:{PASSWORD}@proxy.example:3128/ ")
    assert read_proxy("P") == f"http://user:{PASSWORD}@proxy.example:3128/"
    assert PASSWORD not in repr(read_proxy("P"))
    monkeypatch.setenv("P", "")
    assert read_proxy("P") == ""
    for wrong in ("proxy.example:3128", "socks5://p:1", "http://p", "http://p:x", "http://p:1/path", "http://:80"):
        monkeypatch.setenv("P", wrong)
        with pytest.raises(ImproperlyConfigured, match=r"^P is not valid\. Write a URL with its port, such as http://"):
            read_proxy("P")
