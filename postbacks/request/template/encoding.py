"""How a value is written so that, whatever it holds, it stays a value: one function for each kind of place.

A lone surrogate (half of a character pair, which no UTF-8 text can hold) becomes U+FFFD everywhere.
"""

import re
from json.encoder import encode_basestring
from typing import Final
from urllib.parse import quote

from postbacks.request.template.errors import UnusableValueError

_NOT_UNRESERVED = re.compile(r"[^A-Za-z0-9._~-]")  # RFC 3986, section 2.3.
_SURROGATE = re.compile("[\ud800-\udfff]")


def utf8(text: str) -> bytes:
    """The text's UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return unicode_text(text).encode()


def unicode_text(text: str) -> str:
    """The text without lone surrogates."""
    return _SURROGATE.sub("\ufffd", text)


def plain(value: str) -> str:
    """The value itself."""
    return value


def percent_encoded(value: str) -> str:
    """For a URL's path or query and for a form body: UTF-8, all but RFC 3986's unreserved characters encoded."""
    return value if _NOT_UNRESERVED.search(value) is None else _NOT_UNRESERVED.sub(_percent, value)


class _Encodings(dict[str, str]):
    """Of characters that have occurred, up to a number. Values mostly have a few to be encoded, so looking up these
    takes a fraction of the time that it takes to go through all their bytes."""

    _MOST = 4096

    def __missing__(self, character: str) -> str:
        encoded = quote(utf8(character), safe="")
        if len(self) < self._MOST:
            self[character] = encoded
        return encoded


_ENCODINGS = _Encodings()


def _percent(match: re.Match[str]) -> str:
    return _ENCODINGS[match[0]]


# What a URL may hold as it is written: reserved and unreserved characters, and percent signs that begin an encoding.
_NOT_FOR_URLS = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")


def url_literal(text: str) -> str:
    """Literal text of a URL or form body: what a URL cannot hold is percent-encoded, the rest is kept."""
    return _NOT_FOR_URLS.sub(lambda match: quote(utf8(match[0]), safe=""), text)


def url_raw(value: str) -> str:
    """A value that brings its own piece of a URL: its delimiters stand, but nothing that no URL holds.

    A # is encoded, as it would cut off all that follows.
    """
    return url_literal(value).replace("#", "%23")


LAYOUT: Final = re.compile(r"[ \t\r\n]*[\r\n][ \t\r\n]*")
"""A line break of a form body, with the indentation around it."""


def form_literal(text: str) -> str:
    """Literal text of a form body. Its layout is no data, and is dropped."""
    return url_literal(LAYOUT.sub("", text))


def json_text(value: str) -> str:
    """For the inside of a JSON string."""
    return encode_basestring(value)[1:-1]


_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?").fullmatch


def json_string(value: str) -> str:
    """A whole JSON value: a string, or `null` for nothing."""
    return encode_basestring(value) if value else "null"


def json_number(value: str) -> str:
    """A whole JSON value: a number with the digits it has, `null` for nothing, a string for what is no number."""
    return value if _JSON_NUMBER(value) else json_string(value)


def json_boolean(value: str) -> str:
    """A whole JSON value: true or false, `null` for nothing, a string for anything else."""
    return value if value in ("true", "false") else json_string(value)


_XML_SPECIAL = re.compile("[&<>\"'\t\n\r]|[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\r": "&#13;"}
_ATTRIBUTE_ENTITIES: Final = _XML_ENTITIES | {"\t": "&#9;", "\n": "&#10;"}  # A parser would turn them into spaces.


def xml_text(value: str) -> str:
    """For text in XML. What XML cannot hold at all, such as NUL, becomes U+FFFD."""
    return _XML_SPECIAL.sub(
        lambda match: match[0] if match[0] in "\t\n" else _XML_ENTITIES.get(match[0], "\ufffd"), value
    )


def xml_attribute(value: str) -> str:
    """For the inside of a quoted attribute in XML; line breaks and tabs survive."""
    return _XML_SPECIAL.sub(lambda match: _ATTRIBUTE_ENTITIES.get(match[0], "\ufffd"), value)


_CDATA_SPECIAL = re.compile("[]>\r]|[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_cdata(value: str) -> str:
    """For the inside of a CDATA section. What could end it is written as a reference between two sections."""
    return _CDATA_SPECIAL.sub(
        lambda match: f"]]>&#{ord(match[0])};<![CDATA[" if match[0] in "]>\r" else "\ufffd", value
    )


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FOLDED = re.compile(r" *[\t-\r][ \t-\r]*")  # White space that no header may hold, with the blanks around it.
# A line end and what would be the next header if it were sent as it is. An address on a line of its own is none.
_SECOND_HEADER = re.compile(r"[\n-\r]\s*[A-Za-z0-9!#$%&'*+.^_`|~-]+[ \t]*:(?!//)")


def header_text(value: str) -> str:
    """For a header: tabs and line ends become a blank.

    Raises `UnusableValueError` for other control characters, and for a line end before what would be another header.
    """
    if _CONTROL.search(value) is None:
        return unicode_text(value)
    # What is folded could do nothing, but somebody tried, or two texts ran together.
    text = value if _SECOND_HEADER.search(value) else _FOLDED.sub(" ", value)
    found = _CONTROL.search(text)
    if found:
        raise UnusableValueError(f"the value holds the control character U+{ord(found[0]):04X}")
    return unicode_text(text)
