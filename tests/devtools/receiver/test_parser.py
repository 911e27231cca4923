import pytest
from hypothesis import given
from hypothesis import strategies as st

from devtools.receiver.parser import BODY_LIMIT_BYTES, HEAD_LIMIT_BYTES, BadRequest, Request, RequestParser

GET = b"GET /in?cid=1000&sub=dc%7Cbanner HTTP/1.1\r\nHost: a.example\r\nX-Source:  harbor \r\n\r\n"
POST = b"POST /app HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n7;note=1\r\n, world\r\n0\r\nX-Trailer: 1\r\n\r\n"
)


def parse(data: bytes) -> list[Request]:
    return list(RequestParser().feed(data))


def test_a_get_keeps_its_url_and_header_names_as_received() -> None:
    [request] = parse(GET)
    assert (request.method, request.url, request.body) == ("GET", "/in?cid=1000&sub=dc%7Cbanner", b"")
    assert request.headers == {"Host": "a.example", "X-Source": "harbor"}
    assert request.keeps_alive


def test_a_repeated_header_is_joined_with_a_comma() -> None:
    [request] = parse(b"GET / HTTP/1.1\r\nX-A: 1\r\nX-A: 2\r\n\r\n")
    assert request.headers == {"X-A": "1, 2"}


def test_a_chunked_body_is_put_together_and_its_trailers_are_dropped() -> None:
    [request] = parse(CHUNKED)
    assert request.body == b"hello, world"


@given(st.lists(st.integers(min_value=1, max_value=60), max_size=12))
def test_requests_are_the_same_however_the_bytes_are_cut(sizes: list[int]) -> None:
    stream = GET + POST + b"\r\n" + CHUNKED + GET
    parser = RequestParser()
    requests: list[Request] = []
    for size in sizes:
        piece, stream = stream[:size], stream[size:]
        requests += parser.feed(piece)
    requests += parser.feed(stream)
    assert [(request.url, request.body) for request in requests] == [
        ("/in?cid=1000&sub=dc%7Cbanner", b""),
        ("/app", b"hello"),
        ("/c", b"hello, world"),
        ("/in?cid=1000&sub=dc%7Cbanner", b""),
    ]


def test_an_incomplete_request_yields_nothing_yet() -> None:
    parser = RequestParser()
    assert list(parser.feed(POST[:-1])) == []
    [request] = parser.feed(POST[-1:])
    assert request.body == b"hello"


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [("1.1", "", True), ("1.1", "close", False), ("1.0", "", False), ("1.0", "keep-alive", True)],
)
def test_keep_alive_follows_the_version_and_the_connection_header(version: str, connection: str, kept: bool) -> None:
    [request] = parse(f"GET / HTTP/{version}\r\nConnection: {connection}\r\n\r\n".encode())
    assert request.keeps_alive is kept


def test_the_sender_that_waits_for_100_continue_is_noticed_once() -> None:
    parser = RequestParser()
    head = b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    assert list(parser.feed(head)) == []
    assert parser.take_expectation() is True
    assert parser.take_expectation() is False
    assert [request.body for request in parser.feed(b"ok")] == [b"ok"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\n\n", 400),
        (b"GET / HTTP/1.1\r\nX-A: 1\nX-B: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX-A : 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX-A: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX-A: nul\x00\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: five\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_LIMIT_BYTES, 431),
        (b"GET /" + b"a" * HEAD_LIMIT_BYTES + b" HTTP/1.1\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT_BYTES + 1), 413),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (BODY_LIMIT_BYTES + 1), 413),
    ],
)
def test_a_request_that_cannot_be_taken_says_which_status_fits(data: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        parse(data)
    assert refused.value.status == status


def test_the_good_requests_before_a_bad_one_are_yielded() -> None:
    requests = RequestParser().feed(POST + b"GARBAGE\r\n\r\n")
    assert next(requests).url == "/app"
    with pytest.raises(BadRequest):
        next(requests)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise_anything_else(data: bytes) -> None:
    parser = RequestParser()
    requests = parser.feed(POST + data)
    assert next(requests).url == "/app", "whatever follows"
    try:
        list(requests)
        list(parser.feed(b"\r\n\r\n"))
    except BadRequest:
        pass
