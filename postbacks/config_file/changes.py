"""What loading a file changes, in words."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model

from environment.program import command
from partners.models import CategoryPayout, ContractTerm, InAppEvent
from postbacks.config_file.keys import EntryKind
from postbacks.config_file.problems import Problem
from postbacks.models import Postback

_SHOWN_LENGTH = 160  # A changed template should fit into two lines of a terminal.


@dataclass(frozen=True, slots=True)
class Change:
    """One row that is created, changed or deleted: `sign` is `+`, `~` or `-`."""

    sign: str
    subject: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.sign} {self.subject}", *(f"    {detail}" for detail in self.details)])


@dataclass(slots=True)
class LoadResult:
    """What a load did, or would do: the changes in order, how many entries already matched the file, notes for the
    operator, and warnings of what is valid but unlikely to be meant."""

    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    notes: list[str] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def count(self, sign: str) -> int:
        return sum(change.sign == sign for change in self.changes)


def subject(label: str, row: Model) -> str:
    """A row in words: its kind, its name, and its owner."""
    match row:
        case Postback():
            return f"{label} “{row.name}” of {row.owner}"
        case InAppEvent():
            return f"{label} {row.code} of {row.action_tracker}"
        case ContractTerm():
            scheduled = f" from {row.start}" if row.start else ""
            return f"{label} for {row.action_tracker}{scheduled} of {row.contract}"
        case CategoryPayout():
            return f"{label} {row.category} of {subject('contract term', row.contract_term)}"
    return f"{label} {row}"


def written_values(kind: EntryKind, row: Model) -> dict[str, Any]:
    """Values by key as a file gives them; None for what a file leaves out."""
    defaults = kind.defaults()
    found: dict[str, Any] = {}
    for key in kind.keys:
        values = [getattr(row, name) for name in key.model_fields]
        is_default = not key.required and values == [defaults[name] for name in key.model_fields]
        found[key.name] = None if is_default else key.write(*values)
    return found


def new_key_notes(label: str, row: Model, before: dict[str, Any] | None) -> list[str]:
    """What to do about a signing key that a row has just got. `before` holds its written values, None for a new row."""
    if not isinstance(row, Postback) or not row.signed or (before is not None and before["signed"]):
        return []
    what = f"{subject(label, row)} is now signed, with a new key that has not been shown."
    return [f"{what} Run `{command('signing_key')}` with the postback's id to make one for its receiver."]


def differences(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """One line for each key whose value differs: `name: old -> new`."""
    return tuple(f"{name}: {_shown(old[name])} -> {_shown(new[name])}" for name in new if old[name] != new[name])


def _shown(value: Any) -> str:
    if value is None:
        return "(not set)"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
