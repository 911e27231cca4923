"""The template language: what stands in URLs, header values and bodies, and is filled in with an event's values.

It is pure: no settings, no database, no clock. The story of a template: its text is cut into words (`tokens`), parsed
into nodes (`parser`, `nodes`, `functions`, `currencies`) and looked through (`inspection`, `foreign`). Joins get the
marks of one query (`query`), documents inside values are found (`documents`, `atoms`), each value gets the encoding of
its place (`places`, `encoding`), and the whole becomes one function (`render`, `values`) of an event's values and a
budget (`filling`). `errors` says what can go wrong, `wording` and `hints` how that is put; `limits` what is too much.
`palette` and `reference` describe the language from its registries.
The language itself is described in `docs/template-language.md`.
"""

from functools import lru_cache

from postbacks.request.template import limits
from postbacks.request.template.encoding import utf8
from postbacks.request.template.errors import (
    EnoughMistakesError,
    Mistakes,
    TemplateError,
    TooMuchWorkError,
    UnusableValueError,
)
from postbacks.request.template.filling import Values, filling
from postbacks.request.template.parser import parse
from postbacks.request.template.places import Place
from postbacks.request.template.render import Compiler
from postbacks.request.template.values import NO_ITEM, Emit

__all__ = [
    "Place",
    "Template",
    "TemplateError",
    "TooMuchWorkError",
    "UnusableValueError",
    "Values",
    "compile_template",
    "filling",
]


class Template:
    """A compiled template; made by `compile_template`, shared, and never changed.

    `warnings` are about text that is legal but unlikely to be meant, such as an opening brace without its partner;
    `refusals` about mistakes that nobody may save, though what was saved before goes on.
    """

    __slots__ = ("_emit", "place", "refusals", "source", "warnings")

    def __init__(self, source: str, place: Place, emit: Emit, found: Mistakes) -> None:
        self.source = source
        self.place = place
        self.warnings = tuple(found.warnings)
        self.refusals = tuple(found.refusals)
        self._emit = emit

    def __repr__(self) -> str:
        return f"Template({self.source!r}, {self.place})"

    def render(self, values: Values) -> str:
        """Fill in a snapshot's values (see `actions.reports.parameters`): same snapshot, same text.

        Templates of one request share the budget of `filling(values)`. Raises `UnusableValueError` if a value cannot
        stand in its place, such as a line break in a header, or if it takes too much.
        """
        return self._emit(filling(values), NO_ITEM, "")


@lru_cache(maxsize=8192)  # A worker's postbacks with some ten templates each; a compiled one takes a few kilobytes.
def compile_template(source: str, place: Place, hidden: frozenset[str] = frozenset()) -> Template:
    """Compile a template for a place. Parameters named in `hidden`, and what is computed from them, render empty.

    Raises `TemplateError` with all mistakes that were found.
    """
    mistakes = Mistakes(source)
    try:
        _check_length(source, mistakes)
        emit = Compiler(place, hidden, mistakes).template(parse(source, mistakes))
    except EnoughMistakesError:
        pass
    if mistakes.errors:
        raise mistakes.first_error()
    return Template(source, place, emit, mistakes)


def _check_length(source: str, mistakes: Mistakes) -> None:
    content = utf8(source)
    if len(content) > limits.TEMPLATE_BYTES:
        fits = len(content[: limits.TEMPLATE_BYTES].decode(errors="ignore"))
        mistakes.add(fits, f"The template has {len(content):,} bytes, and its limit of {limits.TEMPLATE_BYTES:,} ends")
        raise EnoughMistakesError
