"""Which heads are known by their bytes: those of usual reports, that nobody could read in two ways."""

from __future__ import annotations

from typing import Any

import pytest

from front.body import FREE_BYTES
from front.heads import Head, Heads

LINES = (
    b"POST /Advertisers/PPx/Conversions HTTP/1.1",
    b"Host: localhost",
    b"Authorization: Basic UFB4Ong=",
    b"Content-Length: 3",
)
BODY = b"\r\n\r\na=1"


def found(data: bytes, *headers: tuple[bytes, bytes], method: str = "POST", length: bytes = b"3") -> Head | None:
    """What is known of the head of these bytes, once a parser has read it as this."""
    usual = [(b"host", b"localhost"), (b"authorization", b"Basic UFB4Ong="), (b"content-length", length)]
    path = "/Advertisers/PPx/Conversions"
    scope: dict[str, Any] = {"method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    heads = Heads()
    heads.learn(data, {**scope, "headers": [*usual, *headers]})
    return heads.find(data.partition(b"\r\n\r\n")[0])


def test_a_usual_one_is_known() -> None:
    head = found(b"\r\n".join(LINES) + BODY)
    assert head is not None
    assert (head.length, head.request.account_sid, head.request.shown) == (3, "PPx", ("PPx", "x"))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\n".join(LINES) + b"\n\na=1\r\n\r\n", id="lines without a return"),
        pytest.param(b"\r\n".join(LINES) + b"\r\n folded" + BODY, id="a folded line"),
        pytest.param(b"\r\n".join(LINES[:2]) + b"\r" + b"\r\n".join(LINES[2:]) + BODY, id="a return alone"),
        pytest.param(b"\r\n" + b"\r\n".join(LINES) + BODY, id="an empty line before it"),
        pytest.param(b"\r\n".join(LINES) + b"\r\n", id="no end"),
        pytest.param(b"\r\n".join([*LINES[:3], b"X: " + b"x" * 4_000, LINES[3]]) + BODY, id="a long one"),
    ],
)
def test_one_that_is_written_in_another_way_is_not(data: bytes) -> None:
    assert found(data) is None


@pytest.mark.parametrize("more", [(b"transfer-encoding", b"chunked"), (b"content-length", b"4"), (b"expect", b"x")])
def test_one_whose_body_may_end_elsewhere_is_not(more: tuple[bytes, bytes]) -> None:
    assert found(b"\r\n".join([*LINES, b"%b: %b" % more]) + BODY, more) is None


def test_neither_is_one_of_a_large_body_nor_of_another_address() -> None:
    assert found(b"\r\n".join(LINES) + BODY, length=b"%d" % (FREE_BYTES + 1)) is None
    assert found(b"\r\n".join(LINES) + BODY, method="GET") is None
