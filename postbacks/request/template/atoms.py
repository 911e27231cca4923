"""A template's nodes as single characters and gaps, so that a document inside a value can be read and written.

A character of an inner document has two sides: what the document's reader sees (`text`), and what stands for it in the
request (`written`), where each layer around the document has left its encoding. `%7B` in a URL is `{` to the reader of
the parameter.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from postbacks.request.template.encoding import LAYOUT, unicode_text
from postbacks.request.template.nodes import (
    Attribute,
    Call,
    Join,
    Literal,
    Nested,
    Node,
    Position,
    QueryMark,
    Raw,
    Value,
)
from postbacks.request.template.places import RULES, Place
from postbacks.request.template.tokens import Span


class Char(NamedTuple):
    """A character, or a percent-encoded byte (`%7B`) of a query that is not decoded yet."""

    text: str
    written: str
    offset: int


@dataclass(frozen=True, slots=True)
class Loop:
    """A join."""

    item: tuple[Atom, ...]
    separator: tuple[Atom, ...]
    prefix: tuple[Atom, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its own atoms, and those of the field it was found in."""

    place: Place
    atoms: tuple[Atom, ...]
    field: tuple[Atom, ...]
    offset: int


Gap = Value | Position | Attribute | Call | Raw
Atom = Char | Loop | Document | QueryMark | Gap

# Stand for what is no single character, so that a text and its atoms are counted alike. From the private use area:
# a template that holds one of these itself is at worst not recognised.
GAP: Final = "\ue000"
LOOP: Final = "\ue001"
BREAK: Final = "\ue002"  # A join that holds marks of the layer itself, and so belongs to none of its fields.
BYTE: Final = "\ue003"  # A percent-encoded byte.

_PERCENT: Final = re.compile("%[0-9A-Fa-f]{2}")
_CHARACTER: Final = re.compile(".", re.DOTALL)
_PIECES: Final = {
    Place.URL: re.compile(f"{_PERCENT.pattern}|.", re.DOTALL),
    Place.FORM: re.compile(f"{_PERCENT.pattern}|{LAYOUT.pattern}|.", re.DOTALL),
}


def read(nodes: Sequence[Node], place: Place) -> tuple[Atom, ...]:
    """The atoms of a template for this place."""
    return tuple(_read(nodes, place))


def _read(nodes: Sequence[Node], place: Place) -> Iterator[Atom]:
    for node in nodes:
        if isinstance(node, Literal):
            yield from _characters(node, place)
        elif isinstance(node, Join):
            prefix, separator = read((node.prefix,), place), read((node.separator,), place)
            yield Loop(read(node.item, place), separator, prefix, node.offset)
        elif not isinstance(node, Nested):
            yield node


def _characters(node: Literal, place: Place) -> Iterator[Char]:
    write, text = RULES[place].literal, node.span.text
    pieces = _PIECES.get(place, _CHARACTER)
    for piece in pieces.finditer(text):
        written = write(piece[0])
        # Layout in a form body writes nothing, and its reader sees nothing.
        yield Char(piece[0] if written else "", written, node.span.offsets[piece.start()])


def nodes_of(atoms: Iterable[Atom]) -> tuple[Node, ...]:
    """The nodes of these atoms, whose literals know how they are written."""
    nodes: list[Node] = []
    run: list[Char] = []
    for atom in atoms:
        if isinstance(atom, Char):
            run.append(atom)
            continue
        if run:
            nodes.append(_literal(run))
            run = []
        nodes.append(_node(atom))
    if run:
        nodes.append(_literal(run))
    return tuple(nodes)


def _node(atom: Loop | Document | QueryMark | Gap) -> Node:
    if isinstance(atom, Loop):
        return Join(nodes_of(atom.item), _only(atom.separator, atom), _only(atom.prefix, atom), atom.offset)
    if isinstance(atom, Document):
        return Nested(atom.place, nodes_of(atom.atoms), nodes_of(atom.field), atom.offset)
    return atom


def _only(atoms: Sequence[Atom], loop: Loop) -> Literal:
    """The separator or prefix of a join, which holds characters only."""
    return _literal([atom for atom in atoms if isinstance(atom, Char)] or [Char("", "", loop.offset)])


def _literal(run: Sequence[Char]) -> Literal:
    text = "".join(each.text for each in run)
    offsets = [each.offset for each in run for _ in each.text] + [run[-1].offset]
    return Literal(Span(text, offsets), written="".join(each.written for each in run))


def text_of(atoms: Iterable[Atom]) -> str:
    """What a reader might see: `GAP` for each value, and each join twice, as if there were two items."""
    pieces: list[str] = []
    for atom in atoms:
        if isinstance(atom, Char):
            pieces.append(atom.text)
        elif isinstance(atom, Loop):
            item = text_of(atom.item)
            pieces += (text_of(atom.prefix), item, text_of(atom.separator), item)
        else:
            pieces.append("&" if isinstance(atom, QueryMark) else GAP)
    return "".join(pieces)


def outline(atoms: Sequence[Atom], breaks: Callable[[str], object]) -> str:
    """One character for each atom. `breaks` says of a join's text whether it holds marks of the layer."""
    return "".join(_outlined(atom, breaks) for atom in atoms)


def _outlined(atom: Atom, breaks: Callable[[str], object]) -> str:
    if isinstance(atom, Char):
        if atom.text == BYTE:
            return GAP  # The character itself, which stands for no byte that could be decoded.
        return atom.text if len(atom.text) == 1 else BYTE if atom.text else " "
    if isinstance(atom, Loop):
        return BREAK if breaks(text_of((atom,))) else LOOP
    return "&" if isinstance(atom, QueryMark) else GAP


def _decoded(atoms: Sequence[Atom], pattern: re.Pattern[str], decode: Callable[[str], str]) -> tuple[Atom, ...]:
    """These atoms with what the pattern finds among their characters replaced by what it stands for."""
    text = outline(atoms, lambda _text: False)
    found: list[Atom] = []
    position = 0
    for match in pattern.finditer(text):
        found += _into_loops(atoms[position : match.start()], pattern, decode)
        run = [atom for atom in atoms[match.start() : match.end()] if isinstance(atom, Char)]
        source = "".join(each.text for each in run)
        characters = unicode_text(decode(source))
        # The first character takes all that is written, as no reader gets half of an escape.
        for index, character in enumerate(characters):
            found.append(Char(character, "" if index else "".join(each.written for each in run), run[0].offset))
        position = match.end()
    found += _into_loops(atoms[position:], pattern, decode)
    return tuple(found)


def _into_loops(atoms: Sequence[Atom], pattern: re.Pattern[str], decode: Callable[[str], str]) -> Iterator[Atom]:
    for atom in atoms:
        if isinstance(atom, Loop):
            item, separator, prefix = (
                _decoded(each, pattern, decode) for each in (atom.item, atom.separator, atom.prefix)
            )
            yield Loop(item, separator, prefix, atom.offset)
        else:
            yield atom


def as_it_is(atoms: Sequence[Atom]) -> tuple[Atom, ...]:
    """For a field that has no encoding of its own."""
    return tuple(atoms)


_HEX: Final = "[0-9A-Fa-f]"
_IN_QUERY: Final = re.compile(rf"{BYTE}+|\+")
_IN_JSON: Final = re.compile(rf"(?:\\u{_HEX}{{4}})+|\\[^u{GAP}-{BYTE}]")
_IN_XML: Final = re.compile(r"&(?:[a-z]{2,4}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")
_JSON_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def percent_decoded(atoms: Sequence[Atom]) -> tuple[Atom, ...]:
    """The value of a parameter."""
    return _decoded(atoms, _IN_QUERY, _from_query)


def _from_query(text: str) -> str:
    return " " if text == "+" else bytes.fromhex(text.replace("%", "")).decode(errors="replace")


def json_decoded(atoms: Sequence[Atom]) -> tuple[Atom, ...]:
    """The inside of a JSON string."""
    return _decoded(atoms, _IN_JSON, _from_json)


def _from_json(text: str) -> str:
    if text[1] != "u":
        return _JSON_ESCAPES.get(text[1], text[1])
    units = bytes.fromhex(text.replace("\\u", ""))
    return units.decode("utf-16-be", errors="replace")


def xml_decoded(atoms: Sequence[Atom]) -> tuple[Atom, ...]:
    """The text of an XML element, or the value of an attribute."""
    return _decoded(atoms, _IN_XML, html.unescape)


def with_bytes(atoms: Sequence[Atom]) -> tuple[Atom, ...]:
    """The characters of a query that stands inside another layer, its percent-encoded bytes put together."""
    text = outline(atoms, lambda _text: False)
    found: list[Atom] = []
    position = 0
    for match in _PERCENT.finditer(text):
        found += (_joined(atom) for atom in atoms[position : match.start()])
        run = [atom for atom in atoms[match.start() : match.end()] if isinstance(atom, Char)]
        found.append(Char(match[0], "".join(each.written for each in run), run[0].offset))
        position = match.end()
    found += (_joined(atom) for atom in atoms[position:])
    return tuple(found)


def _joined(atom: Atom) -> Atom:
    if not isinstance(atom, Loop):
        return atom
    return Loop(with_bytes(atom.item), with_bytes(atom.separator), with_bytes(atom.prefix), atom.offset)
