"""The text of an answer, by what its bytes, its headers or its document say of the charset."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postbacks.egress.charsets import text_of

SAID = "São aceito"


def header(charset: str) -> str:
    return f"Server: x\nContent-Type: text/html; charset={charset}\nX-Id: 7"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        *(("utf-8", "utf-8"), ("UTF8", "utf-8"), ('"utf-8"', "utf-8"), ("'utf-8'", "utf-8"), ("utf-8;x=1", "utf-8")),
        *(("iso-8859-1", "latin-1"), ("ISO-8859-15", "iso8859-15"), ("windows-1252", "cp1252"), ("latin1", "latin-1")),
        *(("utf-16", "utf-16"), ("utf-16le", "utf-16-le"), ("UTF-16BE", "utf-16-be")),
        *(("nonsense", "utf-8"), ("", "utf-8"), ("zlib", "utf-8"), ("idna", "utf-8"), ("a" * 500, "utf-8")),
        *(("unicode_escape", "utf-8"), ("utf-7", "utf-8"), ("x\0y", "utf-8")),
    ],
)
def test_the_charset_of_content_type_counts_where_it_is_known(charset: str, codec: str) -> None:
    assert text_of(SAID.encode(codec), header(charset)) == SAID


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("Shift_JIS", "cp932", "成功①"),
        ("x-sjis", "cp932", "成功"),
        ("EUC-JP", "euc_jp", "成功"),
        ("gb2312", "gb18030", "成功€"),
        ("big5", "big5", "成功"),
        ("ks_c_5601-1987", "cp949", "성공"),
        ("koi8-r", "koi8-r", "принято"),
        ("windows-1251", "cp1251", "принято"),
        ("windows-874", "cp874", "ตกลง"),
        ("iso-8859-1", "cp1252", "“10 €”"),
        ("us-ascii", "cp1252", "é"),
    ],
)
def test_receivers_of_all_languages_can_be_read(charset: str, codec: str, text: str) -> None:
    assert text_of(text.encode(codec), header(charset)) == text


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("headers", ["", header("iso-8859-1"), header("utf-8"), header("utf-16")])
def test_a_byte_order_mark_says_more_than_the_header_and_is_dropped(codec: str, headers: str) -> None:
    assert text_of(SAID.encode(codec), headers) == SAID


def test_a_mark_of_utf_16_be_and_marks_in_declared_charsets_are_dropped() -> None:
    assert text_of("\ufeffOK".encode("utf-16-be"), "") == "OK"
    assert text_of("\ufeffOK".encode("utf-16-le"), header("utf-16le")) == "OK"
    assert text_of("\ufeff\ufeffOK".encode(), "") == "\ufeffOK", "one is a mark, a second one is text"


@pytest.mark.parametrize(
    "document",
    [
        '<?xml version="1.0" encoding="{}"?><r>São</r>',
        "\r\n<?xml version='1.0' encoding='{}' standalone='yes'?>\n<r>São</r>",
        '<!doctype html><html><head><META charset="{}"></head>São',
        '<meta http-equiv="Content-Type" content="text/html; charset={}">São',
    ],
)
def test_a_document_may_name_its_charset_itself(document: str) -> None:
    text = document.format("ISO-8859-1")
    assert text_of(text.encode("latin-1"), "Content-Type: text/html") == text
    assert text_of(text.encode(), header("utf-8")) == text, "the header says more"
    wide = document.format("utf-16")
    assert text_of(wide.encode(), "") == wide, "what can be found so is not in UTF-16"


def test_only_a_content_type_names_a_charset() -> None:
    headers = "X-Content-Type: a; charset=utf-16\nX: content-type: a; charset=utf-16\nContent-Type: text/plain"
    assert text_of(SAID.encode(), headers) == SAID
    assert text_of(SAID.encode("latin-1"), "content-type : text/plain ;  Charset = ISO-8859-1") == SAID


@given(st.binary(), st.text() | st.sampled_from([header(name) for name in ("utf-16", "gb18030", "cp1252")]))
def test_there_is_a_text_whatever_comes(content: bytes, headers: str) -> None:
    text_of(content, headers).encode("utf-8", "surrogatepass")
