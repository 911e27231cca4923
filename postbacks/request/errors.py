"""What can be wrong with a request.

ValueError
  RequestErrors    what was set up cannot be compiled: found when it is saved, all of it at once, by field
  Unbuildable      what was set up is fine, but with this event's values no request comes of it
    TooMuchWork    it would take too many steps
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from postbacks.request.template import Place, Template, TemplateError, compile_template


class Unbuildable(ValueError):  # noqa: N818 -- named for what becomes of the delivery: it is given up, with this reason
    """No request can be built from these values; the text says why."""


class TooMuchWork(Unbuildable):
    """More steps than the templates of one request may take; the text says how many that is."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake or warning.

    `where` is its place within the field (`line 2`, `key “payout”`), empty if the field says it all.
    """

    field: str
    where: str
    cause: TemplateError | str

    @property
    def message(self) -> str:
        """One line, for the field of a form."""
        return f"{self.where}: {self.cause}" if self.where else str(self.cause)

    @property
    def labelled(self) -> str:
        """One line, the field in front."""
        return f"{self._label}: {self.cause}"

    def explain(self) -> str:
        """For a terminal: with the line of the template and a caret, where a template is to blame."""
        if isinstance(self.cause, TemplateError):
            return f"{self._label}:\n{self.cause.with_caret()}\n  {self.cause}"
        return self.labelled

    @property
    def _label(self) -> str:
        return f"{self.field}, {self.where}" if self.where else self.field


class RequestErrors(ValueError):  # noqa: N818 -- several at once, hence the plural
    """Everything that is wrong with a request template.

    Fields are `url`, `method`, `headers`, `secret_headers`, `body_format` and `body`.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{each.field}: {each.message}" for each in self.problems))

    @property
    def fields(self) -> dict[str, list[str]]:
        """The messages by field."""
        messages: dict[str, list[str]] = {}
        for each in self.problems:
            messages.setdefault(each.field, []).append(each.message)
        return messages

    def explain(self) -> str:
        """All mistakes for a terminal, with carets."""
        return "\n".join(each.explain() for each in self.problems)


@dataclass(slots=True)
class Findings:
    """What is found while a request is compiled.

    `refusals` are mistakes that can be sent: they cannot be saved, and what was saved before goes on. `warnings` are
    about what is legal but unlikely to be meant.
    """

    mistakes: list[Problem] = field(default_factory=list)
    refusals: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def add(self, field_name: str, where: str, cause: str) -> None:
        """Add a mistake."""
        self.mistakes.append(Problem(field_name, where, cause))

    def warn(self, field_name: str, where: str, cause: str) -> None:
        """Add a warning."""
        self.warnings.append(Problem(field_name, where, cause))

    def compile(  # noqa: PLR0917 -- where the template stands, in the order of a path to it, and what it is for
        self, field_name: str, where: str, text: str, bounds: tuple[int, int], place: Place, hidden: frozenset[str]
    ) -> Template | None:
        """Return the compiled template that stands in `text` from the first to the second bound.

        With mistakes, which are added, None. Their places are counted in the whole text, as whoever wrote it sees it.
        """
        start, end = bounds

        def within(error: TemplateError) -> Problem:
            moved = TemplateError(text, start + error.offset, error.message, error.hint)
            return Problem(field_name, where, moved)

        try:
            template = compile_template(text[start:end], place, hidden)
        except TemplateError as error:
            self.mistakes += [within(each) for each in error.errors]
            return None
        if template.refusals:
            self.refusals += [within(each) for each in template.refusals]
        if template.warnings:
            self.warnings += [within(each) for each in template.warnings]
        return template


def stripped(text: str, start: int = 0) -> tuple[int, int]:
    """The bounds of the text from `start` on without the white space around it."""
    rest = text[start:]
    begin = start + len(rest) - len(rest.lstrip())
    return begin, begin + len(rest.strip())
