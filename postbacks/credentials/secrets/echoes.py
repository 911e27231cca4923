"""Finds a secret in what came back, also in parts and in other spellings. Pure.

A receiver may send back what it was sent in any spelling, and who writes a postback's path may choose it, as in
`/echo?as=hex`. So a text is looked at as letters and digits alone, without regard to case, with the escapes of URLs,
JSON, HTML and mail undone. In that, eight characters in a row of the secret, or of the secret in base64, base32,
hexadecimal or decimal codes, backwards or rotated, are an echo. Fewer could stand anywhere by chance.
"""

from __future__ import annotations

import base64
import codecs
import html
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

LEAST: Final = 8  # Characters in a row that are an echo.
_GRAM: Final = 4  # Of 8 characters in a row, 4 begin at a place that 4 divides: only there is looked.
_ROUNDS: Final = 3  # Escapes inside of escapes that are undone.
_NOT_COMPARED: Final = re.compile(r"[\W_]+", re.ASCII)
_ESCAPE: Final = re.compile(
    r"%u(?P<unicode>[0-9a-fA-F]{4}) | (?:%|=|\\x)(?P<byte>[0-9a-fA-F]{2}) | \\u\{?(?P<json>[0-9a-fA-F]{4})\}?"
    r"| \\(?P<octal>[0-7]{3}) | &\#[xX](?P<hex>[0-9a-fA-F]{1,8});? | &\#(?P<decimal>[0-9]{1,8});?"
    r"| (?P<named>&[A-Za-z]{2,8};) | \\(?P<blank>[nrtbfv]) | =\r?(?P<soft>\n)",
    re.VERBOSE,
)
_BASES: Final = {"octal": 8, "decimal": 10}
_MAYBE_ESCAPED: Final = re.compile(r"[%=\\&]")
_HEADER_NAME: Final = re.compile(r"^[^:\n]*:", re.MULTILINE)

Span = tuple[int, int]


class _View(NamedTuple):
    """A text with its escapes undone, and where each of its characters begins and ends in what came."""

    text: str
    starts: Sequence[int]
    stops: Sequence[int]


class _Forms(NamedTuple):
    """All spellings of the words as they are compared, one a line; all that four, and eight, of their characters in a
    row can be."""

    lines: str
    grams: frozenset[str]
    echoes: frozenset[str]


def echoes(text: str, words: tuple[str, ...], *, headers: bool = False) -> list[Span]:
    """Where in a text any of the words is echoed: spans in order, apart from one another.

    With `headers`, its lines have names, and a secret may go on from one value to the next.
    """
    forms = _forms(words)
    view: _View | None = _as_it_is(text)
    spans: list[Span] = []
    for _ in range(1 + _ROUNDS):
        if view is None:
            break
        spans += _found(view, forms)
        if headers:
            spans += _found(_without_names(view), forms)
        view = _unescaped(view)
    return _merged(spans)


@lru_cache(maxsize=128)  # Of the postbacks that are answered now; a token of 40 characters takes 150 KB.
def _forms(words: tuple[str, ...]) -> _Forms:
    lines = sorted({line for word in words for each in _spellings(word) if len(line := _compared(each)) >= LEAST})
    return _Forms("\n".join(lines), _rows(lines, _GRAM), _rows(lines, LEAST))


def _rows(lines: Sequence[str], length: int) -> frozenset[str]:
    return frozenset(line[at : at + length] for line in lines for at in range(len(line) - length + 1))


def _spellings(word: str) -> Iterator[str]:
    content = word.encode()
    yield from (word, word[::-1], codecs.encode(word, "rot13"), content.hex(), "".join(map(str, content)))
    # What is encoded may begin before the word, so its bits begin anywhere within a group.
    for before in range(3):
        yield _inner(base64.b64encode(bytes(before) + content), 6, before, len(content))
    for before in range(5):
        yield _inner(base64.b32encode(bytes(before) + content), 5, before, len(content))


def _inner(encoded: bytes, bits: int, before: int, length: int) -> str:
    """The characters of an encoding, `bits` in each, in which nothing around the word has a part."""
    return encoded[-(-before * 8 // bits) : (before + length) * 8 // bits].decode()


def _compared(text: str) -> str:
    return _NOT_COMPARED.sub("", text).lower()


def _as_it_is(text: str) -> _View:
    return _View(text, range(len(text)), range(1, len(text) + 1))


def _without_names(view: _View) -> _View:
    """The values of headers alone, one after another."""
    kept: list[int] = []
    end = 0
    for name in _HEADER_NAME.finditer(view.text):
        kept += range(end, name.start())
        end = name.end()
    kept += range(end, len(view.text))
    return _View(
        "".join([view.text[at] for at in kept]), [view.starts[at] for at in kept], [view.stops[at] for at in kept]
    )


def _unescaped(view: _View) -> _View | None:
    """With one layer of escapes undone; None where there are none."""
    if not _MAYBE_ESCAPED.search(view.text):
        return None
    pieces: list[str] = []
    starts: list[int] = []
    stops: list[int] = []
    end = 0
    for found in _ESCAPE.finditer(view.text):
        meant = _meant(found)
        pieces += (view.text[end : found.start()], meant)
        starts += [*view.starts[end : found.start()], *([view.starts[found.start()]] * len(meant))]
        stops += [*view.stops[end : found.start()], *([view.stops[found.end() - 1]] * len(meant))]
        end = found.end()
    if not end:
        return None
    return _View("".join([*pieces, view.text[end:]]), [*starts, *view.starts[end:]], [*stops, *view.stops[end:]])


def _meant(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind in ("blank", "soft"):
        return ""
    if kind == "named":
        return html.unescape(found[0])
    code = int(found[kind], _BASES.get(kind, 16))
    return chr(code) if code < 0x110000 else ""


def _found(view: _View, forms: _Forms) -> list[Span]:
    compared = _compared(view.text)
    if forms.grams.isdisjoint([compared[at : at + _GRAM] for at in range(0, len(compared), _GRAM)]):
        return []  # Nearly always: no secret is echoed.
    runs = list(_runs(compared, forms))
    if not runs:
        return []
    kept = [at for at, character in enumerate(view.text) if not _NOT_COMPARED.match(character)]
    return [(view.starts[kept[start]], view.stops[kept[stop - 1]]) for start, stop in runs]


def _runs(compared: str, forms: _Forms) -> Iterator[Span]:
    """Where eight characters or more in a row are those of a form."""
    at = 0
    while at < len(compared):
        run = _run_around(compared, at, forms) if compared[at : at + _GRAM] in forms.grams else None
        if run is not None:
            yield run
            at = max(at, run[1] // _GRAM * _GRAM - 2 * _GRAM)  # What goes on there may be another form.
        at += _GRAM


def _run_around(compared: str, at: int, forms: _Forms) -> Span | None:
    for start in range(max(0, at - _GRAM + 1), at + 1):
        row = compared[start : start + LEAST]
        if row in forms.echoes:
            place, stop = forms.lines.index(row) + LEAST, start + LEAST
            while stop < len(compared) and place < len(forms.lines) and compared[stop] == forms.lines[place]:
                place, stop = place + 1, stop + 1
            return start, stop
    return None


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
