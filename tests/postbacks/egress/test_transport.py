"""The one way out, on real sockets: what goes over the wire to the byte, and a sentence for all that can fail."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, closing
from ipaddress import IPv4Network

import pycurl
import pytest
from pytest_django import Settings

from postbacks.egress.answer import Answer as Received
from postbacks.egress.failures import Code, Failure
from postbacks.egress.transport import MAX_RESPONSE_BYTES, Call, send
from postbacks.request.building import Request
from tests.support.delivery_rows import make_request
from tests.support.receiver import Close, Hang, ScriptedReceiver
from tests.support.receiver import Response as Answer
from tests.support.wire import RawServer

pytestmark = pytest.mark.usefixtures("loopback_is_allowed")

ASKED = "Accept-Encoding: gzip, deflate, br, zstd\r\n"


def answer_to(request: Request) -> Received:
    answer = send(request)
    assert isinstance(answer, Received), answer
    return answer


def failure(request: Request) -> Failure:
    answer = send(request)
    assert isinstance(answer, Failure), answer
    return answer


def test_a_get_goes_out_as_given_with_nothing_added_but_the_host_and_the_encodings(raw: RawServer) -> None:
    path = "/a/../b/./c?x=%zz%20&y='\"<>[]{}|^`&empty="
    send(make_request(raw.url + path, headers={"X-One": "1", "x-two": "b: c", "X-Empty": "", "X-City": "São"}))
    headers = "X-One: 1\r\nx-two: b: c\r\nX-Empty:\r\nX-City: São\r\n"
    assert raw.received == [f"GET {path} HTTP/1.1\r\nHost: {raw.address}\r\n{headers}{ASKED}\r\n".encode()]


def test_a_post_goes_out_as_given_with_nothing_added_but_host_length_and_encodings(raw: RawServer) -> None:
    body = b'{"a": "b\x00\xff"}\r\n'
    send(make_request(raw.url + "/in", body, {"Content-Type": "application/json"}))
    own = "Content-Type: application/json\r\n"
    head = f"POST /in HTTP/1.1\r\nHost: {raw.address}\r\n{own}{ASKED}Content-Length: 14\r\n\r\n"
    assert raw.received == [head.encode() + body]


def test_a_post_may_be_empty_and_have_no_type(raw: RawServer) -> None:
    send(make_request(raw.url + "/in", b""))
    head = f"POST /in HTTP/1.1\r\nHost: {raw.address}\r\n{ASKED}Content-Length: 0\r\n\r\n"
    assert raw.received == [head.encode()]


def test_headers_that_are_given_replace_those_that_would_be_made(raw: RawServer) -> None:
    headers = {"Host": "other.example", "Content-Length": "2", "User-Agent": "PartnerPostbacks/1", "Accept": "a/b"}
    send(make_request(raw.url + "/", b"ok", headers))
    lines = raw.received[0].decode().split("\r\n")
    assert sorted(lines) == sorted(
        ["POST / HTTP/1.1", *[f"{name}: {value}" for name, value in headers.items()], ASKED.strip(), "", "ok"]
    )


def test_a_large_body_is_sent_without_asking_first() -> None:
    with ScriptedReceiver() as receiver:
        send(make_request(receiver.url, b"x" * 250_000, {"Content-Type": "text/plain"}))
        (arrival,) = receiver.arrivals
    assert arrival.raw_body == b"x" * 250_000
    assert "Expect" not in arrival.headers


def test_the_answer_comes_back_whole() -> None:
    answer = Answer(404, "no São".encode(), {"X-Id": "7", "Retry-After": "3"}, delay_seconds=0.05)
    with ScriptedReceiver(lambda _: answer) as receiver:
        response = answer_to(make_request(receiver.url + "/in"))
    assert (response.status_code, response.content) == (404, "no São".encode())
    assert response.header("x-id") == "7"
    assert response.header("Retry-After") == "3"


def test_repeated_headers_are_joined_and_interim_answers_forgotten(raw: RawServer) -> None:
    raw.payload = (
        b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
        b"HTTP/1.1 204 No Content\r\nVia: HTTP/1.1 proxy\r\nX-A: 1\r\nx-a: 2\r\nX-Latin: \xe9\r\n\r\n"
    )
    response = answer_to(make_request(raw.url))
    assert (response.status_code, response.content) == (204, b"")
    assert response.header_text == "Via: HTTP/1.1 proxy\nX-A: 1\nx-a: 2\nX-Latin: é"
    assert [response.header(name) for name in ("X-A", "x-latin", "X-Early")] == ["1, 2", "é", None]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_like_any_other(status: int) -> None:
    with ScriptedReceiver(lambda _: Answer(status, "", {"Location": "/elsewhere"})) as receiver:
        response = answer_to(make_request(receiver.url + "/in", b"a=1"))
        assert [arrival.path for arrival in receiver.arrivals] == ["/in"]
    assert (response.status_code, response.header("Location")) == (status, "/elsewhere")


@pytest.mark.parametrize(
    ("size", "read"), [(MAX_RESPONSE_BYTES, 65_536), (MAX_RESPONSE_BYTES + 1, 65_536), (10**6, 65_536)]
)
def test_a_long_answer_is_read_up_to_64_kib(size: int, read: int) -> None:
    with ScriptedReceiver(lambda _: Answer(200, b"z" * size)) as receiver:
        response = answer_to(make_request(receiver.url))
    assert (response.status_code, response.content) == (200, b"z" * read)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"])  # noqa: S104 -- refused
def test_an_address_that_is_not_public_is_refused_whatever_it_is_called(settings: Settings, host: str) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = []
    with ScriptedReceiver() as receiver:
        error = failure(make_request(f"http://{host}:{receiver.port}/"))
        assert receiver.arrivals == []
    assert error.code is Code.ADDRESS
    assert "only public addresses are called (POSTBACKS_ALLOWED_NETWORKS" in error.text


def test_an_allowed_name_is_reached() -> None:
    with ScriptedReceiver() as receiver:
        assert answer_to(make_request(f"http://localhost:{receiver.port}/")).status_code == 200


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with ScriptedReceiver() as receiver:
        assert answer_to(make_request(receiver.url)).status_code == 200


def test_nobody_listens() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    error = failure(make_request(f"http://127.0.0.1:{port}/"))
    assert error.code is Code.REFUSED
    assert error.text == "The connection was refused or the host could not be reached."


def test_a_name_that_does_not_exist() -> None:
    error = failure(make_request("http://receiver.invalid/"))
    assert error.code is Code.DNS
    assert error.text == "The host name could not be resolved."


def test_of_several_addresses_one_that_was_tried_counts_more_than_one_that_was_refused(settings: Settings) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.1")]
    with socket.socket() as taken:  # Nobody listens there.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for addresses, expected in (("127.0.0.1,127.0.0.2", Code.REFUSED), ("127.0.0.2", Code.ADDRESS)):
            call = Call()
            call.prepare(make_request(f"http://partner.example:{port}/"))
            call.curl.setopt(pycurl.RESOLVE, [f"partner.example:{port}:{addresses}"])
            with pytest.raises(pycurl.error) as error:
                call.curl.perform()
            assert call.failure(*error.value.args).code is expected
            call.curl.close()


def test_no_connection_in_time(settings: Settings) -> None:
    settings.POSTBACKS_CONNECT_TIMEOUT = 0.3
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.socket()))
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):  # A queue that is full takes no more; the caller's first packet goes unanswered.
            filler = stack.enter_context(closing(socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        started = time.monotonic()
        error = failure(make_request(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
    assert time.monotonic() - started >= 0.25
    assert error.code is Code.CONNECT_TIMEOUT
    assert error.text == "No connection could be made in time."


@pytest.mark.parametrize("answer", [Hang(), Answer(delay_seconds=5)])
def test_no_answer_in_time(settings: Settings, answer: Hang | Answer) -> None:
    settings.POSTBACKS_TOTAL_TIMEOUT = 0.3
    with ScriptedReceiver(lambda _: answer) as receiver:
        started = time.monotonic()
        error = failure(make_request(receiver.url))
        assert len(receiver.arrivals) == 1
    assert time.monotonic() - started >= 0.25
    assert error.code is Code.TIMEOUT
    assert error.text == "The server did not answer in time."


def test_the_server_hangs_up_without_an_answer() -> None:
    with ScriptedReceiver(lambda _: Close()) as receiver:
        error = failure(make_request(receiver.url))
        assert len(receiver.arrivals) == 1
    assert error.code is Code.BROKEN
    assert error.text == "The server closed the connection without an answer."


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"SSH-2.0-OpenSSH_9.9\r\n", "The answer was not HTTP."),
        (b"<html>hello</html>", "The answer was not HTTP."),
        (b"HTTP/9.9 200 OK\r\n\r\n", "The answer was not HTTP."),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "The answer was not HTTP."),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            "The connection was closed before the whole answer had come.",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X: %s\r\n" % (b"y" * 900) * 100 + b"\r\n", "The answer's headers are too large."),
        (b"HTTP/1.1 200 OK\r\n" + b"X: %s\r\n" % (b"y" * 900) * 1000, "The answer's headers are too large."),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", "The answer's headers are too large."),
    ],
    ids=["banner", "html", "version", "length", "short", "many headers", "endless headers", "long header"],
)
def test_a_broken_answer_is_a_failure_that_may_pass(raw: RawServer, payload: bytes, sentence: str) -> None:
    """And never an invalid URL: that would give the delivery up."""
    raw.payload = payload
    error = failure(make_request(raw.url))
    assert error.code is Code.BAD_ANSWER
    assert error.text == sentence


def test_a_server_that_speaks_no_tls(raw: RawServer) -> None:
    error = failure(make_request(raw.url.replace("http:", "https:")))
    assert error.code is Code.TLS
    assert error.text == "The TLS handshake failed."


@pytest.mark.parametrize(
    "request_", [
        make_request("http://a b/"),
        make_request("http://127.0.0.1/a b"),
        make_request("http://127.0.0.1:99999/"),
        make_request("http://exämple.com/"),
        make_request("http://127.0.0.1/", headers={"X-Bad": "\ud800"}),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_at_all(request_: Request) -> None:
    assert failure(request_).code is Code.INVALID_URL


def test_only_http_and_https_are_spoken() -> None:
    assert failure(make_request("file:///etc/hostname")) == Failure(
        Code.INVALID_URL, "Only http and https URLs can be called."
    )


def test_a_handle_that_is_used_again_sends_headers_in_the_order_in_which_they_are_given(raw: RawServer) -> None:
    raw.payload = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    call = Call()
    for headers in ({"X-One": "1", "X-Two": "2"}, {"X-Two": "2", "X-One": "1"}, {"X-Two": "2", "X-One": "3"}):
        call.prepare(make_request(raw.url, headers=headers))
        call.curl.perform()
        call.forget()
    sent = [[line for line in head.decode().split("\r\n") if line.startswith("X-")] for head in raw.received]
    assert sent == [["X-One: 1", "X-Two: 2"], ["X-Two: 2", "X-One: 1"], ["X-Two: 2", "X-One: 3"]]
    call.curl.close()


def test_a_handle_that_is_used_again_keeps_nothing_of_the_request_before(raw: RawServer) -> None:
    raw.payload = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK"
    call = Call()
    call.prepare(make_request(raw.url, b"secret", {"X-Secret": "1"}))
    call.curl.perform()
    call.forget()
    raw.payload = b"HTTP/1.1 204 No Content\r\n\r\n"
    call.prepare(make_request(raw.url + "/next"))
    call.curl.perform()
    assert raw.received[1] == f"GET /next HTTP/1.1\r\nHost: {raw.address}\r\n{ASKED}\r\n".encode()
    response = call.answer()
    assert isinstance(response, Received)
    assert (response.status_code, response.content, response.header_text) == (204, b"", "")
    call.curl.close()
