"""Documents inside a value: JSON in a parameter, a query string in JSON, XML in a pair, to any depth.

Each layer has fields: the values of a query, the strings of JSON, the texts, attributes and CDATA sections of XML; a
pair's value and a header are one field. A field whose literal text is a document is read as one, so that its values
get the encoding of each layer, the outermost last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from postbacks.request.template import limits
from postbacks.request.template.atoms import (
    BREAK,
    BYTE,
    GAP,
    Atom,
    Char,
    Document,
    Loop,
    as_it_is,
    json_decoded,
    nodes_of,
    outline,
    percent_decoded,
    read,
    text_of,
    with_bytes,
    xml_decoded,
)
from postbacks.request.template.errors import Mistakes
from postbacks.request.template.nodes import Node, QueryMark, Raw
from postbacks.request.template.places import Place

Decode = Callable[[Sequence[Atom]], tuple[Atom, ...]]
Field = tuple[int, int, Decode]

_WHOLE: Final = frozenset({Place.HEADER, Place.JSON_VALUE, Place.XML_VALUE, Place.FORM_VALUE})
# Without one of these in its literal text, no field of the place can hold a document: most templates end here.
_WORTH_A_LOOK: Final = {
    Place.URL: re.compile(r"[\[{<\"]|%(?:25|[57][Bb]|3[CcDdFf]|2[26])|=[^&]*\?"),
    Place.FORM: re.compile(r"[\[{<\"?]|%(?:25|[57][Bb]|3[CcDdFf]|2[26])"),
    Place.JSON: re.compile(r"[=<\\]"),
    # A query has a `?` or an `&`. The `?` of `<?xml …?>` begins none.
    Place.XML: re.compile(r"[\[{&]|(?<!\A<)\?(?!>)"),
}
_IN_A_WHOLE_VALUE: Final = re.compile(r"[\[{<=]")


class _TooDeepError(Exception):
    """Documents inside each other beyond the limit."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


def with_documents(nodes: tuple[Node, ...], text: str, place: Place, mistakes: Mistakes) -> tuple[Node, ...]:
    """Return the nodes of a template with the documents inside its values as nodes of their own.

    `text` is the `literal_text` of the nodes. Documents that are too deep inside each other are refused, and none is
    looked for.
    """
    if place is Place.TEXT or not _WORTH_A_LOOK.get(place, _IN_A_WHOLE_VALUE).search(text):
        return nodes
    atoms = read(nodes, place)
    try:
        found = _split(atoms, place)
    except _TooDeepError as error:
        mistakes.refuse(error.offset, f"More than {limits.DOCUMENTS} documents inside each other")
        return nodes
    return nodes_of(found) if _holds_a_document(found) else nodes


def _holds_a_document(atoms: Sequence[Atom]) -> bool:
    return any(
        isinstance(atom, Document) or (isinstance(atom, Loop) and _holds_a_document(atom.item)) for atom in atoms
    )


def _split(atoms: Sequence[Atom], place: Place, depth: int = 0, *, in_loop: bool = False) -> tuple[Atom, ...]:
    """The atoms of a layer, those of each field that is a document as one. `depth` is that of the layer."""
    found: list[Atom] = []
    position = 0
    for start, end, decode in _fields(atoms, place, in_loop=in_loop):
        found += _outside(atoms[position:start], place, depth)
        found += _field(atoms[start:end], decode, depth)
        position = end
    found += _outside(atoms[position:], place, depth)
    return tuple(found)


def _outside(atoms: Sequence[Atom], place: Place, depth: int) -> Iterator[Atom]:
    """What stands between the fields; a join there has fields of its own."""
    for atom in atoms:
        if isinstance(atom, Loop):
            yield Loop(_split(atom.item, place, depth, in_loop=True), atom.separator, atom.prefix, atom.offset)
        else:
            yield atom


def _field(atoms: Sequence[Atom], decode: Decode, depth: int) -> Sequence[Atom]:
    if all(isinstance(atom, Char) for atom in atoms) or not any(isinstance(atom, Char | Loop) for atom in atoms):
        return atoms
    decoded = decode(atoms)
    place = recognised(text_of(decoded))
    if place is None:
        return atoms
    inner = _with_address(with_bytes(decoded)) if place is Place.FORM else decoded
    offset = atoms[0].offset
    if depth >= limits.DOCUMENTS:
        raise _TooDeepError(offset)
    return (Document(place, _split(inner, place, depth + 1), tuple(atoms), offset),)


def _with_address(atoms: tuple[Atom, ...]) -> tuple[Atom, ...]:
    """A query that follows a value, as in `{LandingPageUrl}?a={Oid}`: that value is the address, not a part of one."""
    first = atoms[0]
    is_address = not isinstance(first, Char | Loop | Document | QueryMark | Raw) and _query(atoms) > 0
    return (Raw(first, first.offset, implied=True), *atoms[1:]) if is_address else atoms  # type: ignore[arg-type] # Positions need no encoding either.


# Fields


def _fields(atoms: Sequence[Atom], place: Place, *, in_loop: bool) -> Iterator[Field]:
    """First and last of the atoms of each field, and how it is decoded."""
    if place in _WHOLE:
        return iter(() if in_loop else ((0, len(atoms), as_it_is),))
    if place is Place.JSON:
        return _json_fields(atoms)
    if place is Place.XML:
        return _xml_fields(atoms)
    of_url = place is Place.URL
    return _query_fields(atoms, 0 if in_loop else _query(atoms, of_url=of_url), of_url=of_url)


def _query(atoms: Sequence[Atom], *, of_url: bool = False) -> int:
    """Where the query begins: after the `?` of an address, or at once where pairs stand alone."""
    for index, atom in enumerate(atoms):
        begins = isinstance(atom, Char) and atom.text == "?"
        if begins or (isinstance(atom, Loop) and text_of(atom.prefix).startswith("?")):
            if not of_url and _NO_ADDRESS.search(text_of(atoms[:index])):
                return 0
            return index + begins
    return len(atoms) if of_url else 0


_NO_ADDRESS: Final = re.compile(r"[\s=&]")
_PARAMETER: Final = re.compile(rf"(?:\A|&)[^=&{BREAK}]*=(?P<value>[^&{BREAK}]*)")


def _query_fields(atoms: Sequence[Atom], start: int, *, of_url: bool) -> Iterator[Field]:
    text = outline(atoms[start:], lambda text: "&" in text or text.startswith("?"))
    for found in _PARAMETER.finditer(text):
        if not of_url or second_mark(found["value"]) is None:
            yield start + found.start("value"), start + found.end("value"), percent_decoded


def second_mark(value: str) -> int | None:
    """Where in a URL's parameter a `?` stands that belongs to no address, if there is one."""
    address, mark, _query_of_address = value.partition("?")
    return len(address) if mark and re.search(f"[/:{BYTE}]", address) is None else None


# What is opened and never closed reaches to the end, so that nothing is looked at twice.
_STRING: Final = re.compile(r'"(?P<value>(?>(?:[^"\\]++|\\.)*))(?P<end>"|\\?\Z)', re.DOTALL)


def _json_fields(atoms: Sequence[Atom]) -> Iterator[Field]:
    for found in _STRING.finditer(outline(atoms, lambda text: '"' in re.sub(r"\\.", "", text))):
        if found["end"] == '"' and BREAK not in found["value"]:
            yield *found.span("value"), json_decoded


_XML: Final = re.compile(
    r"""<!\[CDATA\[ (?P<cdata> (?>(?:[^]]++|\](?!\]>))*) ) (?:\]\]>|\Z)
      | <!-- (?:.*?-->|.*) | <\? (?:.*?\?>|.*) | <![^>]*>?
      | (?P<tag> < (?> (?: "[^"]*+(?:"|\Z) | '[^']*+(?:'|\Z) | [^"'>] )* ) >? )
      | (?P<text> [^<]++ )""",
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE: Final = re.compile("\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'")


def _xml_fields(atoms: Sequence[Atom]) -> Iterator[Field]:
    text = outline(atoms, lambda text: "<" in text)
    for found in _XML.finditer(text):
        if found["cdata"] is not None:
            yield *found.span("cdata"), as_it_is
        elif found["text"] is not None and BREAK not in found["text"]:
            yield *found.span("text"), xml_decoded
        elif found["tag"] is not None:
            values = _ATTRIBUTE.finditer(text, *found.span("tag"))
            yield from ((*value.span(value.lastgroup or 0), xml_decoded) for value in values if BREAK not in value[0])


# Recognising


def recognised(text: str) -> Place | None:
    """What document a field's text is, each of its values being `GAP`; None if it is only text."""
    text = text.strip()
    if _is_json(text):
        return Place.JSON
    if _is_xml(text):
        return Place.XML
    return Place.FORM if _is_query(text) else None


_OBJECT: Final = re.compile(r'\{\s*(?:"|\}\Z|[A-Za-z_$][\w$]*\s*:)')
_LIST: Final = re.compile(r'\[[\s\[{]*"')


def _is_json(text: str) -> bool:
    """An object or array. One that is nearly JSON counts as well, as its reader may be as generous."""
    if text[:1] == "{" and text.endswith("}"):
        return _OBJECT.match(text) is not None
    if text[:1] == "[" and text.endswith("]"):
        return _LIST.match(text) is not None or _loads(text)
    return False


def _loads(text: str) -> bool:
    try:
        json.loads(text.replace(GAP, "[]"))  # Good both inside a string and outside, and never as a part of a number.
    except (ValueError, RecursionError):
        return False
    return True


_ELEMENT: Final = re.compile(r"<(?:\?xml\s|!DOCTYPE\s|!--|[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?[\s/>])")


def _is_xml(text: str) -> bool:
    return text.endswith(">") and _ELEMENT.match(text) is not None and ("</" in text or "/>" in text)


_NAME: Final = r"[^\s=&?#<>{}\"']+"
_PART: Final = re.compile(rf"(?:{_NAME}(?P<value>=[^&]*)?)?")


def _is_query(text: str) -> bool:
    """Two pairs with an & between them, or one after a `?`: a lone pair is text like any other."""
    address, mark, query = text.partition("?")
    if mark and not _NO_ADDRESS.search(address) and (pairs := _pairs(query)) is not None:
        return pairs > 0
    return (_pairs(text) or 0) > 1


def _pairs(query: str) -> int | None:
    """How many pairs a query has; None if it is none."""
    parts = [_PART.fullmatch(part) for part in query.split("#", 1)[0].split("&")]
    if any(part is None for part in parts):
        return None
    return sum(part is not None and part["value"] is not None for part in parts)
