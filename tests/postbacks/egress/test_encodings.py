"""An answer's bytes as its receiver meant them: compressed in each way, wrongly labelled, broken, and bombs."""

from __future__ import annotations

import bz2
import gzip
import random
import sys
import tracemalloc
import zlib
from contextlib import suppress
from ipaddress import IPv4Network

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from postbacks.egress.answer import Answer
from postbacks.egress.decoders import DECODERS
from postbacks.egress.encodings import ACCEPTED, UnreadableError, is_text, unpacked
from postbacks.egress.transport import MAX_RESPONSE_BYTES, send
from tests.support.delivery_rows import make_request
from tests.support.receiver import Response, ScriptedReceiver

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SAID = b'{"status":"error"}'
LIMIT = 64 * 1024
NOISE = random.Random(7).randbytes(3 * LIMIT)  # noqa: S311 -- that it cannot be compressed is all that counts


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def read(content: bytes, header: str, *, cut: bool = False) -> bytes:
    return unpacked(content, header, LIMIT, cut=cut)


def test_receivers_are_told_all_that_can_be_read() -> None:
    assert ACCEPTED == "gzip, deflate, br, zstd"


PACKED = {
    "gzip": gzip.compress(SAID, mtime=0),
    "x-gzip": gzip.compress(SAID, mtime=0),
    "GZIP": gzip.compress(SAID, mtime=0),
    " gzip ": gzip.compress(SAID, mtime=0),
    "deflate": zlib.compress(SAID),
    "Deflate": bare_deflate(SAID),
    "br": brotli.compress(SAID),
    "zstd": zstd.compress(SAID),
    "gzip, gzip": gzip.compress(gzip.compress(SAID), mtime=0),
    "gzip, br": brotli.compress(gzip.compress(SAID, mtime=0)),
    "zstd,deflate": zlib.compress(zstd.compress(SAID)),
    "identity, gzip": gzip.compress(SAID, mtime=0),
    "gzip, identity": gzip.compress(SAID, mtime=0),
    "utf-8, gzip": gzip.compress(SAID, mtime=0),
}


@pytest.mark.parametrize("header", PACKED)
def test_what_is_compressed_is_unpacked(header: str) -> None:
    assert read(PACKED[header], header) == SAID


@pytest.mark.parametrize(
    "header",
    [
        *("", "identity", "Identity", "none", ",", "identity, identity"),
        *("UTF-8", "utf8", "ISO-8859-1", "windows-1252", "7bit", "8bit", "binary"),  # Scripts confuse it with others.
        *("text", "json", "*", "aws-chunked", "compress"),  # Unknown, and yet a text.
        *("gzip", "deflate", "br", "zstd", "gzip, gzip"),  # A proxy has unpacked the body, and left the header.
    ],
)
@pytest.mark.parametrize(
    "body", [b"OK", b"OK\r\n", SAID, "São aceito".encode(), b"<html>\n<p>error</p>", b"1", b"x" * 70]
)
def test_a_text_is_taken_as_it_is_whatever_its_header_says(header: str, body: bytes) -> None:
    assert read(body, header) == body


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=2), st.sampled_from(list(DECODERS)))
def test_no_text_passes_for_compressed(text: str, header: str) -> None:
    assert read(text.encode(), header) == text.encode()


@given(st.binary(max_size=500), st.sampled_from([*DECODERS, "gzip, br", "compress", "UTF-8"]), st.booleans())
def test_whatever_comes_is_read_or_unreadable(content: bytes, header: str, cut: bool) -> None:
    with suppress(UnreadableError):
        assert len(read(content, header, cut=cut)) <= LIMIT


@pytest.mark.parametrize("header", ["gzip", "br", "compress", "gzip, gzip, gzip"])
def test_nothing_stays_nothing(header: str) -> None:
    assert read(b"", header) == b""


NOT_TEXT = b"\x1f\x9d\x90\x00\xff"
BAD_SUM = bytearray(gzip.compress(SAID, mtime=0))
BAD_SUM[-6] ^= 0xFF


@pytest.mark.parametrize(
    ("content", "header", "said"),
    [
        (NOT_TEXT, "gzip", "is not the gzip that its header says, or is broken."),
        (NOT_TEXT, "deflate", "is not the deflate that its header says, or is broken."),
        (NOT_TEXT, "zstd", "is not the zstd that its header says, or is broken."),
        (bytes(BAD_SUM), "gzip", "is not the gzip that its header says, or is broken."),
        (gzip.compress(SAID, mtime=0), "br", "is not the br that its header says, or is broken."),
        (gzip.compress(SAID, mtime=0), "gzip, gzip, zstd", "is not the zstd that its header says, or is broken."),
        (NOT_TEXT, "compress", "is encoded as compress, and only gzip, deflate, br, zstd can be read."),
        (bz2.compress(SAID), "bzip2", "is encoded as bzip2, and only gzip, deflate, br, zstd can be read."),
        (NOT_TEXT, "x" * 500, f"is encoded as {'x' * 39}…, and only gzip, deflate, br, zstd can be read."),
        (gzip.compress(SAID, mtime=0)[:-9], "gzip", "ends in the middle of its gzip encoding."),
        (gzip.compress(SAID, mtime=0)[:-8], "gzip", "ends in the middle of its gzip encoding."),
        (zlib.compress(SAID)[:-5], "deflate", "ends in the middle of its deflate encoding."),
        (brotli.compress(SAID)[:-1], "br", "ends in the middle of its br encoding."),
        (zstd.compress(SAID)[:-1], "zstd", "ends in the middle of its zstd encoding."),
        (gzip.compress(SAID, mtime=0), "gzip, " * 6, "is encoded 6 times, and 5 are the most."),
    ],
)
def test_what_cannot_be_read_is_said(content: bytes, header: str, said: str) -> None:
    with pytest.raises(UnreadableError) as raised:
        read(content, header)
    assert str(raised.value) == f"The answer's body {said}"


def test_of_a_stream_that_breaks_off_the_first_part_is_shown() -> None:
    with pytest.raises(UnreadableError) as raised:
        read(gzip.compress(SAID, mtime=0)[:-8], "gzip")
    assert raised.value.content == SAID


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (gzip.compress(SAID[:5], mtime=0) + gzip.compress(SAID[5:], mtime=0), "gzip"),
        (gzip.compress(SAID, mtime=0) + b"\n", "gzip"),
        (gzip.compress(SAID, mtime=0) + b"\0" * 9, "gzip"),
        (zlib.compress(SAID) + b"\r\n", "deflate"),
        (zstd.compress(SAID[:5]) + zstd.compress(SAID[5:]), "zstd"),
        (b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstd.compress(SAID), "zstd"),
        (zstd.compress(SAID) + b"\n", "zstd"),
    ],
)
def test_several_parts_are_one_body_and_what_follows_is_left_out(content: bytes, header: str) -> None:
    assert read(content, header) == SAID


@pytest.mark.parametrize("header", DECODERS)
def test_what_is_cut_by_us_is_read_as_far_as_it_goes(header: str) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstd.compress}[header]
    packed = pack(NOISE)[:LIMIT]
    found = read(packed, header, cut=True)
    assert found == NOISE[: len(found)]
    assert found or header == "br", "brotli gives a block only when it is whole"


BOMBS = {
    "gzip": gzip.compress(bytes(64 * 1024 * 1024), mtime=0),
    "deflate": zlib.compress(bytes(64 * 1024 * 1024)),
    "br": brotli.compress(bytes(64 * 1024 * 1024), quality=5),
    "zstd": zstd.compress(bytes(64 * 1024 * 1024)),
}
BOMBS["gzip, gzip"] = gzip.compress(BOMBS["gzip"], mtime=0)
BOMBS["gzip, br"] = brotli.compress(BOMBS["gzip"])
# Blocks without content: however many, nothing comes out.
BOMBS["deflate, br"] = brotli.compress(b"\x78\x01" + b"\0\0\0\xff\xff" * 2_000_000, quality=5)


@pytest.mark.parametrize("header", BOMBS)
def test_a_bomb_stops_at_the_limit(header: str) -> None:
    tracemalloc.start()
    try:
        found = read(BOMBS[header], header)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == (b"" if header == "deflate, br" else bytes(LIMIT))
    assert most < 1024 * 1024


def test_a_zstd_frame_that_asks_for_more_memory_than_http_allows_is_unreadable() -> None:
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    with pytest.raises(UnreadableError):
        read(packer.compress(SAID) + packer.flush(), "zstd")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", True),
        (b"OK\r\n\v", False),
        (b"OK\r\n\t\f", True),
        ("São".encode(), True),
        ("São".encode()[:-2], True),
        ("São".encode("latin-1"), False),
        (b"\0", False),
        (b"\x7f", False),
    ],
)
def test_text_is_utf_8_without_control_characters(content: bytes, expected: bool) -> None:
    assert is_text(content) is expected


# By the one way out.


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]


def answer(body: bytes, headers: dict[str, str]) -> Answer:
    with ScriptedReceiver(lambda _: Response(200, body, headers)) as receiver:
        got = send(make_request(receiver.url))
    assert isinstance(got, Answer), got
    return got


@pytest.mark.parametrize("header", PACKED)
def test_an_answer_comes_back_unpacked(header: str) -> None:
    got = answer(PACKED[header], {"content-encoding": header.strip()})
    assert (got.content, got.unreadable) == (SAID, "")
    assert got.header("Content-Encoding") == header.strip(), "headers stay as received"


def test_a_long_answer_is_read_as_far_as_the_limit_unpacked() -> None:
    text = b"0123456789abcdef" * 100_000
    assert answer(gzip.compress(text, mtime=0), {"Content-Encoding": "gzip"}).content == text[:MAX_RESPONSE_BYTES]
    noise = answer(gzip.compress(NOISE, mtime=0), {"Content-Encoding": "gzip"})
    assert (noise.unreadable, noise.content) == ("", NOISE[: len(noise.content)])
    assert len(noise.content) > MAX_RESPONSE_BYTES - 1024


def test_what_cannot_be_read_is_an_answer_all_the_same() -> None:
    got = answer(NOT_TEXT, {"Content-Encoding": "gzip"})
    assert (got.status_code, got.content) == (200, b"")
    assert got.unreadable == "The answer's body is not the gzip that its header says, or is broken."
