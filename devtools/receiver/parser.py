"""Parses HTTP/1.1 requests from a stream of bytes (RFC 9112), and nothing else: no sockets, no answers.

Hand-written on purpose: the receiver must take 10,000 requests/s on one core, logged, from a thousand connections, with
answers that are late, missing or cut off. `http.server` uses a thread per connection, does not read chunked bodies, and
reached a third of this speed even without logging. The parser is strict where leniency would hide a sender's mistake.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

HEAD_LIMIT_BYTES = 64 * 1024  # Request line and headers; common servers accept 8 to 64 KiB.
BODY_LIMIT_BYTES = 8 * 1024 * 1024  # Far above any postback.
_CHUNK_LINE_LIMIT_BYTES = 1024  # A size and possibly extensions.

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rf"({_NAME}) ([^\x00-\x20\x7f]+) HTTP/(\d)\.(\d)")
_HEADER_LINE = re.compile(rf"({_NAME}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")


class BadRequest(Exception):  # noqa: N818 - named after the status 400, though it carries others too.
    """A request that cannot be accepted: the status to answer, and why. The connection cannot be used after it."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class Request:
    """One request as it was received: `url` is the path and query, `headers` has the names as written, with the values
    of a repeated one joined by a comma."""

    method: str
    url: str
    headers: dict[str, str]
    keeps_alive: bool
    is_http_1_0: bool
    expects_continue: bool
    body_length: int | None  # None: chunked.
    body: bytes = b""


@dataclass(slots=True)
class RequestParser:
    """Takes what arrives on one connection and yields the complete requests."""

    _buffer: bytearray = field(default_factory=bytearray)
    _position: int = 0  # Where the unread part of the buffer begins.
    _request: Request | None = None  # Its head has been read, its body not yet.
    _chunks: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Request]:
        """Yields the requests that these bytes complete, in order. Raises `BadRequest` when it reaches a bad one."""
        self._buffer += data
        while (request := self._next()) is not None:
            yield request
        if self._position:
            del self._buffer[: self._position]
            self._position = 0

    def take_expectation(self) -> bool:
        """Whether the sender waits for `100 Continue` before it sends the body; true once per request."""
        request = self._request
        if request is None or not request.expects_continue:
            return False
        request.expects_continue = False
        return True

    def _next(self) -> Request | None:
        if self._request is None:
            self._request = self._read_head()
        request = self._request
        if request is None:
            return None
        body = self._read_chunked() if request.body_length is None else self._read_counted(request.body_length)
        if body is None:
            return None
        request.body = body
        self._request = None
        return request

    def _read_head(self) -> Request | None:
        buffer = self._buffer
        while buffer.startswith(b"\r\n", self._position):  # Old clients end a body with an empty line.
            self._position += 2
        start = self._position
        end = buffer.find(b"\r\n\r\n", start)
        if (len(buffer) if end < 0 else end) - start > HEAD_LIMIT_BYTES:
            raise BadRequest(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is longer than {HEAD_LIMIT_BYTES} bytes"
            )
        if end < 0:
            if buffer.find(b"\n\n", start) >= 0:
                raise BadRequest(HTTPStatus.BAD_REQUEST, "lines end in LF instead of CRLF")
            return None
        self._position = end + 4
        return _parse_head(bytes(buffer[start:end]))

    def _read_counted(self, length: int) -> bytes | None:
        end = self._position + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[self._position : end])
        self._position = end
        return body

    def _read_chunked(self) -> bytes | None:
        buffer = self._buffer
        while True:
            line_end = buffer.find(b"\r\n", self._position)
            if (len(buffer) if line_end < 0 else line_end) - self._position > _CHUNK_LINE_LIMIT_BYTES:
                raise BadRequest(HTTPStatus.BAD_REQUEST, "the size line of a chunk is too long")
            if line_end < 0:
                return None
            size_line = _CHUNK_SIZE.fullmatch(buffer, self._position, line_end)
            if size_line is None:
                raise BadRequest(HTTPStatus.BAD_REQUEST, "the size of a chunk is not a hexadecimal number")
            size = int(size_line[1], 16)
            if size == 0:
                return self._read_trailers(line_end)
            _check_body_length(len(self._chunks) + size)
            end = line_end + 2 + size
            if len(buffer) < end + 2:
                return None
            if buffer[end : end + 2] != b"\r\n":
                raise BadRequest(HTTPStatus.BAD_REQUEST, "a chunk is longer than its size says")
            self._chunks += buffer[line_end + 2 : end]
            self._position = end + 2

    def _read_trailers(self, line_end: int) -> bytes | None:
        """The whole body, once the trailers after the last chunk have arrived; they are discarded."""
        end = self._buffer.find(b"\r\n\r\n", line_end)
        if (len(self._buffer) if end < 0 else end) - line_end > HEAD_LIMIT_BYTES:
            raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the trailers are too long")
        if end < 0:
            return None
        self._position = end + 4
        body = bytes(self._chunks)
        self._chunks.clear()
        return body


def _parse_head(head: bytes) -> Request:
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")  # The historical encoding of HTTP headers; it decodes anything.
    request_line, *header_lines = text.split("\r\n")
    parts = _REQUEST_LINE.fullmatch(request_line)
    if parts is None:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the first line is not `METHOD URL HTTP/1.1`")
    method, url, major, minor = parts.groups()
    if major != "1":
        raise BadRequest(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, f"HTTP/{major}.{minor} is not supported")
    headers: dict[str, str] = {}
    by_lower_name: dict[str, str] = {}
    for line in header_lines:
        header = _HEADER_LINE.fullmatch(line)
        if header is None:
            raise BadRequest(HTTPStatus.BAD_REQUEST, "a header is not `Name: value`")
        name, value = header[1], header[2].rstrip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
        lower = name.lower()
        by_lower_name[lower] = f"{by_lower_name[lower]}, {value}" if lower in by_lower_name else value
    is_http_1_0 = minor == "0"
    connection = by_lower_name.get("connection", "").lower()
    return Request(
        method=method,
        url=url,
        headers=headers,
        keeps_alive="keep-alive" in connection if is_http_1_0 else "close" not in connection,
        is_http_1_0=is_http_1_0,
        expects_continue=by_lower_name.get("expect", "").lower() == "100-continue" and not is_http_1_0,
        body_length=_body_length(by_lower_name.get("transfer-encoding"), by_lower_name.get("content-length")),
    )


def _body_length(transfer_encoding: str | None, content_length: str | None) -> int | None:
    """The bytes of the body, None if it is chunked."""
    if transfer_encoding is not None:
        if content_length is not None:
            raise BadRequest(HTTPStatus.BAD_REQUEST, "both Content-Length and Transfer-Encoding are given")
        if transfer_encoding.lower() != "chunked":
            raise BadRequest(HTTPStatus.NOT_IMPLEMENTED, "the only supported Transfer-Encoding is chunked")
        return None
    if content_length is None:
        return 0
    if not (content_length.isascii() and content_length.isdigit()):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "Content-Length is not a whole number")
    # A number too long for int() is too long for us.
    return _check_body_length(int(content_length) if len(content_length) < 19 else BODY_LIMIT_BYTES + 1)


def _check_body_length(length: int) -> int:
    if length > BODY_LIMIT_BYTES:
        raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {BODY_LIMIT_BYTES} bytes")
    return length
