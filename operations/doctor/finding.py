"""What the doctor says about one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """An error stops postbacks, now or soon; a warning is worth a look."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` says in a sentence what was found, `fix` what to do; `fix` is empty only if all is well."""

    level: Level
    what: str
    fix: str = ""


def fine(what: str) -> Finding:
    return Finding(Level.OK, what)


def warning(what: str, fix: str) -> Finding:
    return Finding(Level.WARNING, what, fix)


def wrong(what: str, fix: str) -> Finding:
    return Finding(Level.ERROR, what, fix)
