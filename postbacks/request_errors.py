"""What can be wrong with a request.

ValueError
  RequestErrors    what was set up cannot be compiled: found when it is saved, all of it at once, by field
  Unbuildable      what was set up is fine, but with this event's values no request comes of it
"""

from collections.abc import Iterable
from dataclasses import dataclass

from postbacks.template import TemplateError


class Unbuildable(ValueError):  # noqa: N818 -- named for what becomes of the delivery: it is given up, with this reason
    """No request can be built from these values; the text says why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `where` is its place within the field (`line 2`, `key “payout”`), empty if the field says it all."""

    field: str
    where: str
    cause: TemplateError | str

    @property
    def message(self) -> str:
        """One line, for the field of a form."""
        return f"{self.where}: {self.cause}" if self.where else str(self.cause)

    def explain(self) -> str:
        """For a terminal: with the line of the template and a caret, where a template is to blame."""
        head = f"{self.field}, {self.where}" if self.where else self.field
        if isinstance(self.cause, TemplateError):
            return f"{head}:\n{self.cause.with_caret()}\n  {self.cause}"
        return f"{head}: {self.cause}"


class RequestErrors(ValueError):  # noqa: N818 -- several at once, hence the plural
    """Everything that is wrong with a request template.

    Fields are `url`, `method`, `headers`, `body_format` and `body`.
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


def template_problems(field: str, where: str, error: TemplateError) -> list[Problem]:
    """One problem for each mistake that was found in one template."""
    return [Problem(field, where, each) for each in error.errors]
