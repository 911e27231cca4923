"""What can be wrong with a template, and with a value.

ValueError
  TemplateError    the template cannot be compiled: found when it is saved, shown on its field or in a terminal
  UnusableValueError    the template is fine, but a value has no way to stand in its place: found when it is rendered
    TooLongError    so many or so long values that rendering was ended
"""

from __future__ import annotations

from typing import Final

from postbacks.request.template import limits
from postbacks.request.template.terminal import blank, shown

_WINDOW: Final = 100  # Characters of a long line that are shown around the caret.


class UnusableValueError(ValueError):
    """A value that cannot be encoded for its place, such as a line break in a header; the text says why."""


class TooLongError(UnusableValueError):
    """More than any request may hold; the text says how much that is."""


class TooMuchWorkError(UnusableValueError):
    """More steps than any request may take; the text says how many that is."""


class TemplateError(ValueError):
    """One mistake in a template, and its place.

    `offset` counts the template's characters (code points) from 0, `line` and `column` from 1. `errors` holds all
    mistakes found in the template, in order, this one first. `str()` is one line for a form field; `explain()` adds
    the template's line and a caret for a terminal.
    """

    def __init__(self, source: str, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.source = source
        self.offset = offset
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
        """The line of the template, and below it a caret under the place; harmless to a terminal."""
        line = self.source[self._line_start :].split("\n", 1)[0].removesuffix("\r")
        start = max(0, self.column - 1 - _WINDOW // 2)
        window = shown(line[start : start + _WINDOW])
        lead, tail = "…" if start else "", "…" if start + _WINDOW < len(line) else ""
        return f"  {lead}{window}{tail}\n  {blank(lead + window[: self.column - 1 - start])}^"


class EnoughMistakesError(Exception):
    """So many mistakes have been found that looking for more helps nobody."""


class Mistakes:
    """What is found in one template while it is compiled.

    `errors` leave nothing to send. `refusals` are mistakes that can be sent: nobody may save them, and what was saved
    before goes on. `warnings` are about what is legal but odd.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.errors: list[TemplateError] = []
        self.refusals: list[TemplateError] = []
        self.warnings: list[TemplateError] = []

    def add(self, offset: int, message: str, hint: str = "") -> None:
        """Add an error. Raises `EnoughMistakesError` if there are enough by now."""
        self.errors.append(TemplateError(self.source, offset, message, hint))
        if len(self.errors) >= limits.ERRORS_AT_ONCE:
            raise EnoughMistakesError

    def refuse(self, offset: int, message: str, hint: str = "") -> None:
        """Add a refusal; those that are too many are dropped."""
        if len(self.refusals) < limits.ERRORS_AT_ONCE:
            self.refusals.append(TemplateError(self.source, offset, message, hint))

    def take_refusals(self, inner: Mistakes) -> None:
        """Take over what was found in a document inside a value: all of it can be sent."""
        for each in (*inner.errors, *inner.refusals):
            self.refuse(each.offset, each.message, each.hint)

    def warn(self, offset: int, message: str, hint: str = "") -> None:
        """Add a warning; those that are too many are dropped."""
        if len(self.warnings) < limits.ERRORS_AT_ONCE:
            self.warnings.append(TemplateError(self.source, offset, message, hint))

    def place(self, offset: int) -> str:
        """The place in words, for a hint that names a second one."""
        return TemplateError(self.source, offset, "").place

    def first_error(self) -> TemplateError:
        """The first error in template order, carrying the others along. There must be one."""
        ordered = sorted(self.errors, key=lambda error: error.offset)
        ordered[0].errors = tuple(ordered)
        return ordered[0]
