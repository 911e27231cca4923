"""Where a template stands, and what its literal text says about the place of each value in it.

A place is a table of pure functions. `advance` reads literal text from one state to the next, so that a value's
encoding is settled before any value is seen; `encoder` gives the encoding for a value in that state, or the reason why
none may stand there. JSON and XML are read no further than that needs: whether the whole is well-formed is another
question, asked with sample values.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from postbacks.request.template import encoding

Encoder = Callable[[str], str]


class Place(Enum):
    """What a template is for."""

    URL = "URL"
    HEADER = "header value"
    TEXT = "text"
    JSON = "JSON body"
    XML = "XML body"
    FORM = "form body"
    # One value of a key-value pair: its literal text is data too, and encoded as the values are.
    JSON_VALUE = "value in JSON"
    XML_VALUE = "value in XML"
    FORM_VALUE = "value in a form"

    __hash__ = object.__hash__  # Places are keys of many tables; that of enumerations takes ten times as long.


class Bare(Enum):
    """What a value is declared to be, for a format that tells by its looks."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()


class ScanState(Enum):
    """What the literal text so far leaves open."""

    TEXT = auto()  # Outside everything that matters: in bare JSON, in XML between tags, anywhere in flat places.
    STRING = auto()
    TAG = auto()
    SINGLE_QUOTED = auto()
    DOUBLE_QUOTED = auto()
    CDATA = auto()
    COMMENT = auto()
    INSTRUCTION = auto()
    DECLARATION = auto()

    __hash__ = object.__hash__  # As of places.


@dataclass(frozen=True, slots=True)
class PlaceRules:
    """How a place reads literal text (`advance`), writes it (`literal`) and encodes values (`encoder`).

    `torn` says what is wrong if a value or a part of a join follows a text that ends, in this state, within an escape
    sequence or a character reference; it is empty for every other text. `raw` writes what is not to be encoded; it is
    None where nothing may go unencoded.
    """

    literal: Callable[[str], str]
    encoder: Callable[[ScanState, Bare], Encoder | str]
    advance: Callable[[ScanState, str], ScanState]
    torn: Callable[[ScanState, str], str]
    raw: Encoder | None


def _flat(literal: Callable[[str], str], encode: Encoder, raw: Encoder | None = encoding.plain) -> PlaceRules:
    """A place in which every value is encoded in the same way."""
    return PlaceRules(literal, lambda _state, _bare: encode, lambda state, _text: state, lambda _state, _text: "", raw)


_STRING_REST = re.compile(r'[^"\\]*+(?:\\(?:u[0-9a-fA-F]{4}|[^u])[^"\\]*+)*')
_TORN_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\(?:u[0-9a-fA-F]{0,3})?\Z")


def _advance_json(state: ScanState, text: str) -> ScanState:
    position = 0
    in_string = state is not ScanState.TEXT
    while position < len(text):
        if not in_string:
            quote = text.find('"', position)
            if quote < 0:
                return ScanState.TEXT
            position, in_string = quote + 1, True
            continue
        end = _STRING_REST.match(text, position).end()  # type: ignore[union-attr] # It matches nothing, too.
        if end == len(text):
            return ScanState.STRING
        position, in_string = end + 1, text[end] != '"'  # Else an escape that JSON does not know, or a torn one.
    return ScanState.STRING if in_string else ScanState.TEXT


_JSON_ENCODERS: Final = {
    Bare.TEXT: encoding.json_string,
    Bare.NUMBER: encoding.json_number,
    Bare.BOOLEAN: encoding.json_boolean,
}


def _encode_json(state: ScanState, bare: Bare) -> Encoder | str:
    return encoding.json_text if state is ScanState.STRING else _JSON_ENCODERS[bare]


def _torn_json(state: ScanState, text: str) -> str:
    if state is ScanState.STRING and "\\" in text and _TORN_ESCAPE.search(text):
        return r"A value right after a backslash, inside an escape; a backslash itself is written \\ in JSON,"
    return ""


_XML_ENDS: Final = {
    ScanState.SINGLE_QUOTED: ("'", ScanState.TAG),
    ScanState.DOUBLE_QUOTED: ('"', ScanState.TAG),
    ScanState.CDATA: ("]]>", ScanState.TEXT),
    ScanState.COMMENT: ("-->", ScanState.TEXT),
    ScanState.INSTRUCTION: ("?>", ScanState.TEXT),
    ScanState.DECLARATION: (">", ScanState.TEXT),
}
_XML_START = re.compile(r"<(?:!\[CDATA\[|!--|\?|!)?")
_XML_STARTS: Final = {
    "<![CDATA[": ScanState.CDATA,
    "<!--": ScanState.COMMENT,
    "<?": ScanState.INSTRUCTION,
    "<!": ScanState.DECLARATION,
    "<": ScanState.TAG,
}
_TAG_MARK = re.compile("[\"'>]")
_TAG_STATES: Final = {'"': ScanState.DOUBLE_QUOTED, "'": ScanState.SINGLE_QUOTED, ">": ScanState.TEXT}
_TORN_REFERENCE = re.compile(r"&#?\w{0,31}\Z")


def _advance_xml(state: ScanState, text: str) -> ScanState:
    position = 0
    while position < len(text):
        if state is ScanState.TEXT:
            start = _XML_START.search(text, position)
            if start is None:
                break
            position, state = start.end(), _XML_STARTS[start[0]]
        elif state is ScanState.TAG:
            mark = _TAG_MARK.search(text, position)
            if mark is None:
                break
            position, state = mark.end(), _TAG_STATES[mark[0]]
        else:
            end, after = _XML_ENDS[state]
            found = text.find(end, position)
            if found < 0:
                break
            position, state = found + len(end), after
    return state


def _torn_xml(state: ScanState, text: str) -> str:
    holds_references = state in (ScanState.TEXT, ScanState.SINGLE_QUOTED, ScanState.DOUBLE_QUOTED)
    if holds_references and "&" in text and _TORN_REFERENCE.search(text, max(0, len(text) - 33)):
        return "A value right after an &, inside a character reference; an & itself is written &amp; in XML,"
    return ""


_XML_ENCODERS: Final[dict[ScanState, Encoder | str]] = {
    ScanState.TEXT: encoding.xml_text,
    ScanState.SINGLE_QUOTED: encoding.xml_attribute,
    ScanState.DOUBLE_QUOTED: encoding.xml_attribute,
    ScanState.CDATA: encoding.xml_cdata,
    ScanState.TAG: "A value inside an XML tag, outside a quoted attribute,",
    ScanState.COMMENT: "A value inside an XML comment",
    ScanState.INSTRUCTION: "A value inside an XML processing instruction",
    ScanState.DECLARATION: "A value inside an XML declaration",
}


def _encode_xml(state: ScanState, _bare: Bare) -> Encoder | str:
    return _XML_ENCODERS[state]


RULES: Final = {
    Place.URL: _flat(encoding.url_literal, encoding.percent_encoded, encoding.url_raw),
    Place.HEADER: _flat(encoding.unicode_text, encoding.header_text, None),
    Place.TEXT: _flat(encoding.plain, encoding.plain),
    Place.JSON: PlaceRules(encoding.plain, _encode_json, _advance_json, _torn_json, encoding.plain),
    Place.XML: PlaceRules(encoding.plain, _encode_xml, _advance_xml, _torn_xml, encoding.plain),
    Place.FORM: _flat(encoding.form_literal, encoding.percent_encoded),
    Place.JSON_VALUE: _flat(encoding.json_text, encoding.json_text),
    Place.XML_VALUE: _flat(encoding.xml_text, encoding.xml_text),
    Place.FORM_VALUE: _flat(encoding.percent_encoded, encoding.percent_encoded),
}


def within(place: Place, outer: Encoder) -> PlaceRules:
    """The rules for a document of this place inside a value: what they write, the outer layers encode."""
    inner = RULES[place]

    def encoder(state: ScanState, bare: Bare) -> Encoder | str:
        encode = inner.encoder(state, bare)
        return encode if isinstance(encode, str) else lambda value: outer(encode(value))

    return PlaceRules(encoding.plain, encoder, inner.advance, inner.torn, outer)
