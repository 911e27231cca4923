"""The reference of the template language in Markdown, from the same registries as the language itself. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from actions.reports.parameters import EVENTS, PARAMETERS
from postbacks.request.template import limits
from postbacks.request.template.dates import CODES
from postbacks.request.template.palette import ArgumentEntry, FunctionEntry, Palette, palette

_HEAD: Final = """\
# Template reference

<!-- Printed by `manage.py template_reference`: change the registries, not this file. -->

Everything that a template may hold. How it is put together, and what happens to a value where it stands, is told in
[template-language.md](template-language.md). All results are those of one sample event, written as plain text.
"""

_PARAMETERS: Final = """\
## Parameters

Names are exact. A parameter without a value is empty text. An action keeps what was reported of it, so every event,
whether %s or %s, carries the same parameters, on the condition in the last column.
Names marked *ours* are additions; the rest is what receivers of such postbacks expect.
"""

_ITEMS: Final = """\
## Items

Written in the item template of a `join`, here with the loop name `i`; `{i}` itself is the item's position, from 1.
"""

_FUNCTIONS: Final = """\
## Functions

Arguments in brackets may be left out. Where nothing else is said, an argument is a value: a parameter, another
function, a text in single or double quotes, or a number. Functions nest at most %d deep.
"""

_DATE_CODES: Final = """\
## Date codes

In the format of `date`. Names are English on every machine.
"""


def reference() -> str:
    """Return the whole reference."""
    data = palette()
    *others, last = EVENTS
    sections = (
        _HEAD,
        _PARAMETERS % (", ".join(others), last),
        _table(("parameter", "type", "what it is", "example", "carried by"), _parameters(data)),
        _ITEMS,
        _table(("attribute", "type", "what it is", "example"), _items(data)),
        _FUNCTIONS % limits.NESTING,
        _table(("function", "what it gives", "example", "result"), map(_function, data["functions"])),
        _DATE_CODES,
        _table(("code", "what it writes", f"of {PARAMETERS['EventDate'].example}"), _date_codes()),
    )
    return "\n".join(sections)


def _parameters(data: Palette) -> Iterable[Sequence[str]]:
    for each in data["parameters"]:
        description = each["description"] + ("" if each["documented"] else " (*ours*)")
        yield _code(each["insert"]), each["type"], description, _code(each["example"]), each["carried"]


def _items(data: Palette) -> Iterable[Sequence[str]]:
    for each in data["item_attributes"]:
        yield _code(each["insert"]), each["type"], each["description"], _code(each["example"])


def _function(function: FunctionEntry) -> Sequence[str]:
    description = " ".join([function["description"], *filter(None, map(_note, function["arguments"]))])
    return _code(function["signature"]), description, _code(function["example"]), _code(function["result"])


def _note(argument: ArgumentEntry) -> str:
    """What is to be known of an argument that is no plain value, or may be left out."""
    notes = [] if argument["type"] in ("value", argument["name"]) else [f"a {argument['type']}"]
    if default := argument["default"]:
        notes.append(f"left out: {_code(default) if default.startswith(chr(34)) else default}")
    return f"*{argument['name']}*: {', '.join(notes)}." if notes else ""


def _date_codes() -> Iterable[Sequence[str]]:
    moment = datetime.fromisoformat(PARAMETERS["EventDate"].example)
    return [(_code(code), _MEANINGS[code], _code(write(moment))) for code, write in CODES.items()]


_MEANINGS: Final = {
    "%Y": "year, four digits",
    "%y": "year, two digits",
    "%m": "month, `01` to `12`",
    "%B": "month's name",
    "%b": "month's name, three letters",
    "%d": "day of the month, two digits",
    "%j": "day of the year, three digits",
    "%A": "day of the week",
    "%a": "day of the week, three letters",
    "%H": "hour, `00` to `23`",
    "%I": "hour, `01` to `12`",
    "%p": "`AM` or `PM`",
    "%M": "minute",
    "%S": "second",
    "%f": "microsecond, six digits",
    "%z": "offset from UTC",
    "%:z": "offset from UTC, with a colon",
    "%Z": "time zone's abbreviation",
    "%F": "`%Y-%m-%d`",
    "%T": "`%H:%M:%S`",
    "%s": "seconds since 1970 in UTC",
    "%Q": "milliseconds since 1970 in UTC",
    "%%": "a percent sign",
}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))


def _code(text: str) -> str:
    """Text as code in a table, where a bar would end the cell."""
    return f"`{text.replace('|', chr(92) + '|')}`"
