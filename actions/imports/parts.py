"""Cuts a file into parts that may be recorded side by side: all lines about one order are in the same part. Pure.

The cut follows from the lines alone, so that an import which goes on later finds the same parts again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from actions.reports.files import Fields, FileLine
from actions.reports.named_values import value_of

# Large enough that the queries of a transaction do not count, small enough that an interruption loses little.
LINES_PER_TRANSACTION = 500
# A window's parts are waited for before the next window begins; with eight, hardly any waits long.
MAX_PARTS = 8
# A line may hold a thousand items. Three windows are in memory at a time.
BYTES_PER_WINDOW = 8 * 1024 * 1024

_CHANGES = frozenset({"modified", "reversed", "restored"})


@dataclass(slots=True)
class Part:
    """Some lines of a window, in the order of the file: the number of each, and what stands in it.

    It goes to another process, so it has no more than is needed there.
    """

    number: int  # Within the file.
    lines: list[tuple[int, Fields]]


@dataclass(frozen=True, slots=True)
class Window:
    """Lines that follow each other in the file, and the parts into which they are cut."""

    number: int
    lines: Sequence[FileLine]  # All, the line of names too.
    parts: Sequence[Part]  # None is empty.

    @classmethod
    def of(cls, number: int, lines: Sequence[FileLine]) -> Window:
        """The window of these lines, cut."""
        reports = [(line.number, line.fields) for line in lines if line.fields is not None]
        both_ways = _names_actions_both_ways([fields for _, fields in reports])
        count = 1 if both_ways else -(-len(reports) // LINES_PER_TRANSACTION)
        cut: list[list[tuple[int, Fields]]] = [[] for _ in range(count)]
        for line, fields in reports:
            cut[crc32(_key(fields).encode(errors="replace")) % count].append((line, fields))
        first = number * MAX_PARTS
        return cls(number, lines, [Part(first + place, some) for place, some in enumerate(cut) if some])

    @property
    def part_numbers(self) -> range:
        """The numbers that its parts may have."""
        return range(self.number * MAX_PARTS, (self.number + 1) * MAX_PARTS)


def windows(lines: Iterable[FileLine]) -> Iterator[Window]:
    """The lines, some thousand at a time."""
    number, size = 0, 0
    taken: list[FileLine] = []
    for line in lines:
        taken.append(line)
        size += len(line.raw)
        if len(taken) == LINES_PER_TRANSACTION * MAX_PARTS or size >= BYTES_PER_WINDOW:
            yield Window.of(number, taken)
            number, size, taken = number + 1, 0, []
    if taken:
        yield Window.of(number, taken)


def _key(fields: object) -> str:
    """What tells the order of a line from others. Two orders may share it."""
    if not isinstance(fields, dict):
        return ""
    action_id = value_of(fields, "ActionId")
    return action_id.rpartition(".")[2] if action_id else value_of(fields, "OrderId")


def _names_actions_both_ways(reports: Iterable[Fields]) -> bool:
    """Whether some changes name their action by its id and others by the order: two of them may mean the same one."""
    ways = {
        bool(value_of(fields, "ActionId"))
        for fields in reports
        if isinstance(fields, dict) and value_of(fields, "Event").lower() in _CHANGES
    }
    return len(ways) == 2
