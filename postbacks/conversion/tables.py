"""What a table of macros is made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Final


class Brackets(Enum):
    """How a network writes its macros."""

    BRACES = "{name}"
    HASHES = "#name#"
    PARENTHESES = "(name)"
    EXPRESSIONS = "${(name)!}"


class Argument(Enum):
    """What may stand behind the name of a macro, as in `{name:argument}`."""

    NONE = ""
    STATUSES = "one text for each status"
    LANGUAGE = "a language, in which a name instead of a code is written"


@dataclass(frozen=True, slots=True)
class Source:
    """The page that documents macros, and the day on which it was read."""

    address: str
    read: str


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro, by its name without brackets, or one parameter that a tracker's own postback URL takes.

    `template` says the same in the template language; empty if nothing does. `note` is what to know about a translation
    that is not exact, or what to do where there is none. `click` is true of the id that the partner's own tracker gave
    to the click, `own_id` of an id that is given out anew here.
    """

    name: str
    meaning: str
    template: str = ""
    note: str = ""
    argument: Argument = Argument.NONE
    click: bool = False
    own_id: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """The macros, or parameters, that one source documents."""

    source: Source
    macros: tuple[Macro, ...]


@dataclass(frozen=True)  # Without slots, as what is cached needs a place.
class Network:
    """A network whose templates can be translated.

    `statuses` are the words for statuses that a macro with `Argument.STATUSES` maps, by those of `{Status}`.
    `raw_prefix` before a name means that the value is not encoded, and `raw_function` behind it the same.
    """

    key: str
    name: str
    brackets: Brackets
    pages: tuple[Page, ...]
    parameter_pages: tuple[Page, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)
    raw_prefix: str = ""
    raw_function: str = ""

    @cached_property
    def macros(self) -> Mapping[str, Macro]:
        """The macros by name; of two pages, the first counts."""
        return _by_name(self.pages)

    @cached_property
    def parameters(self) -> Mapping[str, Macro]:
        """What the tracker's own postback URL takes, by the name of the parameter."""
        return _by_name(self.parameter_pages)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The pages of the tables, each once."""
        return tuple(dict.fromkeys(page.source for page in (*self.pages, *self.parameter_pages)))


def _by_name(pages: Iterable[Page]) -> Mapping[str, Macro]:
    return MappingProxyType({each.name: each for page in reversed(tuple(pages)) for each in page.macros})


def numbered(name: str, numbers: Iterable[int], meaning: str, template: str, note: str = "") -> tuple[Macro, ...]:
    """Macros whose names, meanings and templates have a number in place of `%d`."""
    return tuple(
        Macro(name % each, meaning % each, template % each if template else "", note % each if "%d" in note else note)
        for each in numbers
    )


def left(names: str, meaning: str, note: str) -> tuple[Macro, ...]:
    """Macros without a counterpart that mean the same, or nearly: names with blanks between them."""
    return tuple(Macro(name, meaning, note=note) for name in names.split())


READ: Final = "2026-11-26"
"""The day on which the pages of the tables were read."""


def page(address: str, *macros: Macro) -> Page:
    """The macros of a page that was read when the others were."""
    return Page(Source(address, READ), macros)
