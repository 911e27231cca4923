"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """An error keeps postbacks from going out, or will; a warning is worth a look."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was found, in a sentence, and what to do: `mend` is empty only where all is well."""

    level: Level
    what: str
    fix: str = ""


def fine(what: str) -> Finding:
    return Finding(Level.OK, what)


def warning(what: str, fix: str) -> Finding:
    return Finding(Level.WARNING, what, fix)


def wrong(what: str, fix: str) -> Finding:
    return Finding(Level.ERROR, what, fix)
