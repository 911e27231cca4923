"""What can be wrong with a template, and with a value.

ValueError
  TemplateError    the template cannot be compiled: found when it is saved, shown on its field or in a terminal
  UnusableValueError    the template is fine, but a value has no way to stand in its place: found when it is rendered
"""

from __future__ import annotations

from typing import Final

_WINDOW: Final = 100  # Characters of a long line that are shown around the caret.


class UnusableValueError(ValueError):
    """A value that cannot be encoded for its place, such as a line break in a header; the text says why."""


class TemplateError(ValueError):
    """One mistake in a template, and its place.

    `line` and `column` count from 1. `errors` holds all mistakes found in the template, in order, this one first.
    `str()` is one line for a form field; `explain()` adds the template's line and a caret for a terminal.
    """

    def __init__(self, source: str, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.source = source
        self.message = message
        self.hint = hint
        self._line_start = source.rfind("\n", 0, offset) + 1
        self.line = source.count("\n", 0, offset) + 1
        self.column = offset - self._line_start + 1
        self.errors: tuple[TemplateError, ...] = (self,)

    @property
    def place(self) -> str:
        """`column 32`, or `line 2, column 5` where the template has several lines."""
        several_lines = "\n" in self.source.rstrip("\n")
        return f"line {self.line}, column {self.column}" if several_lines else f"column {self.column}"

    def __str__(self) -> str:
        text = f"{self.message} at {self.place}."
        return f"{text} {self.hint}" if self.hint else text

    def explain(self) -> str:
        """Every mistake as its line of the template, a caret under the place, and the message."""
        return "\n\n".join(f"{error.with_caret()}\n{error}" for error in self.errors)

    def with_caret(self) -> str:
        """The line of the template, and below it a caret under the place."""
        line = self.source[self._line_start :].split("\n", 1)[0]
        start = max(0, self.column - 1 - _WINDOW // 2)
        shown = line[start : start + _WINDOW]
        before = "".join("\t" if character == "\t" else " " for character in shown[: self.column - 1 - start])
        lead, tail = "…" if start else "", "…" if start + _WINDOW < len(line) else ""
        return f"  {lead}{shown}{tail}\n  {' ' * len(lead)}{before}^"


def first_of(errors: list[TemplateError]) -> TemplateError:
    """The first error in template order, carrying the others along. `errors` must not be empty."""
    ordered = sorted(errors, key=lambda error: (error.line, error.column))
    ordered[0].errors = tuple(ordered)
    return ordered[0]
