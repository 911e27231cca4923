"""The template language: what stands in URLs, header values and bodies, and is filled in with an event's values.

It is pure: no settings, no database, no clock. The story of a template: its text is cut into words (`tokens`), parsed
into nodes (`parser`, `nodes`, `functions`), each value is given the encoding of its place (`places`, `encoding`), and
the whole becomes one function (`render`). `errors` says what can go wrong; `limits` what is too much.
The language itself is described in `docs/template-language.md`.
"""

from functools import lru_cache

from postbacks.template import limits
from postbacks.template.encoding import utf8
from postbacks.template.errors import TemplateError, UnusableValueError, first_of
from postbacks.template.parser import parse
from postbacks.template.places import Place
from postbacks.template.render import NO_ITEM, Compiler, Emit, Values

__all__ = ["Place", "Template", "TemplateError", "UnusableValueError", "Values", "compile_template"]


class Template:
    """A compiled template; made by `compile_template`, shared, and never changed."""

    __slots__ = ("_emit", "place", "source")

    def __init__(self, source: str, place: Place, emit: Emit) -> None:
        self.source = source
        self.place = place
        self._emit = emit

    def __repr__(self) -> str:
        return f"Template({self.source!r}, {self.place})"

    def render(self, values: Values) -> str:
        """Fill in a snapshot's values (see `actions.parameters`): same snapshot, same text.

        Raises `UnusableValueError` if a value cannot stand in its place; this happens in headers only.
        """
        return self._emit(values, NO_ITEM, "")


@lru_cache(maxsize=8192)  # A worker's postbacks with some ten templates each; a compiled one takes a few kilobytes.
def compile_template(source: str, place: Place, hidden: frozenset[str] = frozenset()) -> Template:
    """Compile a template for a place. Parameters named in `hidden`, and what is computed from them, render empty.

    Raises `TemplateError` with all mistakes that were found.
    """
    errors: list[TemplateError] = []
    if len(utf8(source)) > limits.TEMPLATE_BYTES:
        too_long = f"The template is longer than {limits.TEMPLATE_BYTES // 1024} KiB"
        raise TemplateError(source, min(len(source), limits.TEMPLATE_BYTES), too_long)
    nodes = parse(source, errors)
    compiler = Compiler(source, place, hidden, errors)
    emit = compiler.template(nodes)
    if errors:
        raise first_of(errors)
    return Template(source, place, emit)
