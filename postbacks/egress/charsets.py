"""From the bytes of a body to its text. Pure.

The charset is the one of a byte order mark, else of `Content-Type`, else of the document's own first lines (an XML
declaration, a `meta` of HTML), else UTF-8. Bytes that the charset does not allow become U+FFFD.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

# Python has more codecs: some do not decode bytes (rot13), some take long (idna), and some hide what a text says
# (utf-7, unicode_escape).
_KNOWN: Final = re.compile(
    r"utf-(?:8|16)(?:-[bl]e)?|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|mac-(?:roman|cyrillic)|tis-620"
    r"|gb2312|gbk|gb18030|big5(?:hkscs)?|shift_jis(?:_2004|x0213)?|euc_(?:jp|kr)|iso2022_(?:jp|kr)|johab"
)
# Names that stand, in practice, for more characters than they should: they are read as browsers read them.
_LARGER: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
}
_NAMES_THAT_PYTHON_LACKS: Final = {"windows-874": "cp874", "windows-31j": "cp932", "x-sjis": "cp932"}
_LONGEST_NAME: Final = 40
_NAMES_KEPT: Final = 256  # Receivers have some dozen in all; the rest are a stranger's inventions.

_CONTENT_TYPE = re.compile(r"content-type[ \t]*:.*?;[ \t]*charset[ \t]*=[ \t]*[\"']?([^\s\"';,]+)")
_LONGEST_LINE: Final = 200  # Of a header that names a charset. Lines are kept, and a stranger writes them.
_XML = re.compile(rb"<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)")
_META = re.compile(rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_LOOKED_THROUGH: Final = 1024  # Bytes; as browsers do.
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(content: bytes, headers: str) -> str:
    """The text of a body without its byte order mark. `headers` has one `Name: value` a line."""
    if not content:
        return ""
    text = content.decode(_charset(content, headers), "replace")
    return text.removeprefix("\ufeff")


def is_charset(name: str) -> bool:
    """Whether the name is that of a charset which can be read."""
    return _codec(name) is not None


def _charset(content: bytes, headers: str) -> str:
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8"
    # The mark alone may be chance. Any text with one letter or blank of ASCII has the NUL too.
    if content.startswith(_UTF_16_MARKS) and b"\0" in content:
        return "utf-16"
    if codec := _declared(headers.lower()):
        return codec
    start = content[:_LOOKED_THROUGH].lstrip()
    if start.startswith(b"<") and (own := _XML.match(start) or _META.search(start)):
        codec = _codec(own[1].decode("ascii", "replace"))
        return codec if codec and not codec.startswith("utf-") else "utf-8"  # In UTF-16 it would not have been found.
    return "utf-8"


def _declared(headers: str) -> str | None:
    """The codec of the first `Content-Type` that names a charset which is known. Every answer comes by here: lines are
    found without an expression, and taken apart once."""
    end = 0
    while (found := headers.find("charset", end)) >= 0:
        end = headers.find("\n", found)
        if end < 0:
            end = len(headers)
        line = headers[headers.rfind("\n", 0, found) + 1 : end]
        if len(line) <= _LONGEST_LINE and (codec := _codec_of_line(line)):
            return codec
    return None


@lru_cache(maxsize=_NAMES_KEPT)
def _codec_of_line(line: str) -> str | None:
    given = _CONTENT_TYPE.match(line)
    return _codec(given[1]) if given else None


@lru_cache(maxsize=_NAMES_KEPT)
def _codec(name: str) -> str | None:
    """Python's name of a charset, None of one that is not known."""
    if len(name) > _LONGEST_NAME:
        return None
    try:
        codec = codecs.lookup(_NAMES_THAT_PYTHON_LACKS.get(name.lower(), name)).name
    except (LookupError, ValueError):  # A name with a NUL is a ValueError.
        return None
    return _LARGER.get(codec, codec) if _KNOWN.fullmatch(codec) else None
