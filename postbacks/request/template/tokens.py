"""Where expressions open in a template, and the words they are made of.

A string stands in `"` or `'`, or in `\\"` as it must be written inside a JSON string. In it a backslash before the
string's own quote gives the quote, two give one backslash, and every other backslash stays as it is, so that `\\n` in
a JSON body remains JSON's. Inside `\\"…\\"` each of these backslashes is written twice, again as JSON has it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

OPENING: Final = re.compile(r"\{(?=(?P<name>[A-Za-z_][A-Za-z0-9_]*+)[}(.])")
"""A brace that opens an expression: a name and then `}`, `(` or `.` follow at once. Every other brace is text."""


# Not frozen, like the commonest nodes: there are several for each placeholder, and freezing takes three times as long.
@dataclass(slots=True)
class Span:
    """A piece of template text that knows where each of its characters stands in the whole template. Never changed.

    `offsets` has one entry more than `text` has characters: the last is the place after the end.
    """

    text: str
    offsets: Sequence[int]

    @classmethod
    def whole(cls, source: str) -> "Span":
        return cls(source, range(len(source) + 1))

    def cut(self, start: int, end: int) -> "Span":
        return Span(self.text[start:end], self.offsets[start : end + 1])


class TokenKind(Enum):
    NAME = "name"
    NUMBER = "number"
    STRING = "string"
    MARK = "mark"
    END = "end"
    OTHER = "other"  # A character that has no business in an expression.
    OPEN_STRING = "open string"  # A quote without its partner.


@dataclass(slots=True)
class Token:
    """One word of an expression and its place in the whole template.

    `text` of a string is its content, freed of its quotes and escapes, and its `offset` is that of the quote. Only
    strings have `offsets`, which are as of a `Span`: all other tokens stand as they are written.
    """

    kind: TokenKind
    text: str
    offset: int
    offsets: Sequence[int] = ()

    @property
    def span(self) -> Span:
        return Span(self.text, self.offsets or range(self.offset, self.offset + len(self.text) + 1))

    def is_mark(self, mark: str) -> bool:
        return self.kind is TokenKind.MARK and self.text == mark


# Possessive quantifiers (`*+`) and atomic groups (`(?>…)`) keep a string that is never closed from being tried in many
# ways. Around a group it must be an atomic one: CPython before 3.11.5 loses its place in a group that repeats
# possessively and holds alternatives.
_TOKEN = re.compile(
    r"""[\ \t\r\n]*+ (?:
        (?P<name>   [A-Za-z_][A-Za-z0-9_]*+ )
      | (?P<number> -?[0-9]++(?:\.[0-9]++)? )
      | (?P<string> " (?> (?: [^"\\]++ | \\. )* ) "
                  | ' (?> (?: [^'\\]++ | \\. )* ) '
                  | \\" (?> (?: [^\\]++ | \\\\(?:\\\\|\\") | \\(?!") )* ) \\" )
      | (?P<mark>   [=!<>]{1,3}+ | [(),.{}] )
      | (?P<open>   \\?" | ' )
      | (?P<other>  . )
    )""",
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "name": TokenKind.NAME,
    "number": TokenKind.NUMBER,
    "mark": TokenKind.MARK,
    "open": TokenKind.OPEN_STRING,
    "other": TokenKind.OTHER,
}


_NONE_YET: Final = Token(TokenKind.END, "", 0)


class Cursor:
    """Reads one span from left to right, token by token. `last` is the token that was taken last."""

    def __init__(self, span: Span, position: int) -> None:
        self.span = span
        self.position = position
        self._before_last = position
        self.last = _NONE_YET
        self._seen_at = -1  # Where `_seen` was read: most tokens are looked at before they are taken.
        self._seen = self.last, position

    def peek(self) -> Token:
        return self._next()[0]

    def take(self) -> Token:
        self._before_last = self.position
        self.last, self.position = self._next()
        return self.last

    def take_mark(self, mark: str) -> bool:
        """Take the next token if it is this mark; say whether it was."""
        if not self.peek().is_mark(mark):
            return False
        self.take()
        return True

    def skip_expression(self) -> bool:
        """After a mistake at the last token, go on to where its expression seems to end; False if none can be told."""
        self.position = self._before_last
        depth = 0
        while depth >= 0:
            token = self.take()
            if token.kind in (TokenKind.END, TokenKind.OPEN_STRING):
                return False
            depth += token.is_mark("{") - token.is_mark("}")
        return True

    def _next(self) -> tuple[Token, int]:
        if self._seen_at != self.position:
            self._seen_at, self._seen = self.position, self._read()
        return self._seen

    def _read(self) -> tuple[Token, int]:
        match = _TOKEN.match(self.span.text, self.position)
        kind = match.lastgroup if match is not None else None
        if match is None or kind is None:
            end = len(self.span.text)
            return Token(TokenKind.END, "", self.span.offsets[end]), end
        start, end = match.span(kind)
        offset = self.span.offsets[start]
        if kind == "string":
            content = _unquoted(self.span.cut(start, end))
            return Token(TokenKind.STRING, content.text, offset, content.offsets), end
        return Token(_KINDS[kind], match[kind], offset), end


_ESCAPES = {
    '"': re.compile(r'\\(?=[\\"])(?P<kept>.)'),
    "'": re.compile(r"\\(?=[\\'])(?P<kept>.)"),
    '\\"': re.compile(r'\\\\\\(?P<kept>[\\"])'),
}


def _unquoted(token: Span) -> Span:
    quote = '\\"' if token.text[0] == "\\" else token.text[0]
    inner = token.cut(len(quote), len(token.text) - len(quote))
    if "\\" not in inner.text:
        return inner
    text: list[str] = []
    offsets: list[int] = []
    position = 0
    for match in _ESCAPES[quote].finditer(inner.text):
        text += (inner.text[position : match.start()], match["kept"])
        offsets += (*inner.offsets[position : match.start()], inner.offsets[match.start()])
        position = match.end()
    text.append(inner.text[position:])
    offsets += inner.offsets[position:]
    return Span("".join(text), offsets)
