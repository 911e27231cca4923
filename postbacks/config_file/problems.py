"""Problems in a configuration file, and their places."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Place:
    """A value in the file: its path, such as `programs[0].name` (empty for the whole file), and its line from 1."""

    path: str
    line: int

    def key(self, name: str, line: int) -> "Place":
        return Place(f"{self.path}.{name}" if self.path else name, line)

    def item(self, index: int, line: int) -> "Place":
        return Place(f"{self.path}[{index}]", line)

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}" if self.path else f"line {self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct before the file can be loaded."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ConfigError(Exception):
    """The file cannot be loaded. `problems` holds everything that was found, in order of lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.place.line)
        super().__init__("\n".join(map(str, self.problems)))


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A sentence that helps with an unknown name: the nearest known one, or all of them."""
    names = list(known)
    lowered = {name.lower(): name for name in names}
    near = get_close_matches(given.lower(), lowered, n=1)
    return f"Did you mean {lowered[near[0]]}?" if near else f"Choose from {', '.join(names)}."
