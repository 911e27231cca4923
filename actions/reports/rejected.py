"""The refusal of a report, as a value that a sender can act on."""

from __future__ import annotations


class Rejected(ValueError):  # noqa: N818 -- callers expect it; it is not a fault
    """The report cannot be recorded.

    `reason_code` is a short code for machines (docs/actions.md lists them), `field` the name of the field at fault as
    it was reported, or empty; the text of the exception says what is wrong and what is expected.
    """

    def __init__(self, reason_code: str, message: str, field: str = "") -> None:
        super().__init__(_writable(message))
        self.reason_code = reason_code
        self.field = _writable(field)

    def __reduce__(self) -> tuple[type[Rejected], tuple[str, str, str]]:
        """As an exception with its own arguments needs it to go from one process to another."""
        return type(self), (self.reason_code, str(self), self.field)


def _writable(text: str) -> str:
    """The text, with what neither PostgreSQL nor JSON can hold escaped: a message may quote it."""
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()


def malformed(field: str, message: str) -> Rejected:
    """The refusal of one field's value: the message starts with the field's name."""
    return Rejected("MALFORMED", f"{field}: {message}", field)
