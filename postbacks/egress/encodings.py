"""From the bytes of an answer's body to those that its receiver meant, by the header `Content-Encoding`. Pure.

Headers are wrong in practice: a script writes `Content-Encoding: UTF-8`, a proxy unpacks a body and leaves the header.
What reads as text is therefore taken for the text that it is. All else that cannot be unpacked is an error, for no rule
can judge it.
"""

from __future__ import annotations

import re
from typing import Final

from postbacks.egress.charsets import is_charset
from postbacks.egress.decoders import BROKEN, DECODERS

ACCEPTED: Final = ", ".join(DECODERS)
"""What receivers are told that they may use, in `Accept-Encoding`."""

_ALIASES: Final = {"x-gzip": "gzip"}  # RFC 9110, section 8.4.1.3.
# The last three are of e-mail, and say there that nothing was done.
_NOT_ENCODED: Final = ("", "identity", "none", "7bit", "8bit", "binary")
_MOST_LAYERS: Final = 5  # Two are a known mistake of servers. Each costs the work of a whole answer.
_BROKEN: Final = tuple(BROKEN)
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MOST_SHOWN: Final = 40  # A header's value may be long, and a reason is one line.


class UnreadableError(ValueError):
    """A body cannot be unpacked. The text is a sentence for people; `content` is what could be, as far as it goes."""

    def __init__(self, text: str, content: bytes = b"") -> None:
        super().__init__(text)
        self.content = content


def unpacked(content: bytes, header: str, limit: int, *, cut: bool = False) -> bytes:
    """The body without its encodings, at most `limit` bytes of it; more than that is never made.

    `header` is the value of `Content-Encoding`, with commas between several. `cut` says that the end of `content` was
    not read. Raises UnreadableError.
    """
    names = _encodings(header)
    if len(names) > _MOST_LAYERS:
        raise UnreadableError(f"The answer's body is encoded {len(names)} times, and {_MOST_LAYERS} are the most.")
    for name in reversed(names if content else ()):
        try:
            content, ended = _decode(name, content, limit, cut=cut)
        except UnreadableError:
            if not is_text(content):
                raise
        else:
            cut = cut or not ended
    return content


def is_text(content: bytes) -> bool:
    """Whether this is UTF-8 without control characters. Its last character may be cut off."""
    if _CONTROL_CHARACTER.search(content):
        return False
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _encodings(header: str) -> list[str]:
    """What was done to the body, in this order. That a header names a charset by mistake says nothing."""
    names = [part.strip().lower() for part in header.split(",")]
    return [_ALIASES.get(name, name) for name in names if name not in _NOT_ENCODED and not is_charset(name)]


def _decode(name: str, content: bytes, limit: int, *, cut: bool) -> tuple[bytes, bool]:
    shown = name if len(name) <= _MOST_SHOWN else name[: _MOST_SHOWN - 1] + "…"
    if name not in DECODERS:
        raise UnreadableError(f"The answer's body is encoded as {shown}, and only {ACCEPTED} can be read.")
    try:
        output, ended = DECODERS[name](content, limit)
    except _BROKEN as broken:
        raise UnreadableError(f"The answer's body is not the {shown} that its header says, or is broken.") from broken
    if not (ended or cut or len(output) >= limit):
        raise UnreadableError(f"The answer's body ends in the middle of its {shown} encoding.", output)
    return output, ended
