"""Whose turn it is to accept the next connection: a few go to one process, more of them to whichever has the fewest.

Reports that come to one process together share its transactions, and one process that works wakes up less often than
two. So while there are few connections, the first process takes them. What each has stands in memory that all of them
share. A process that has ended leaves its numbers there until another takes its place: nobody waits for it longer than
a moment.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

# In the environment, not among what a process is given at its start: that has to suit processes of two releases.
VARIABLE: Final = "POSTBACKS_WEB_TURNS"
MOST_PROCESSES: Final = 64
# One process has time for the reports of so many callers, and records them together.
FEW: Final = 8
# Nobody waits to make up for so small a difference.
DIFFERENCE: Final = 2
_FORM: Final = "q"
_BYTES: Final = 2 * MOST_PROCESSES * 8  # Of each process, how many connections it has, plus one; how many it took.


def share() -> IO[bytes] | None:
    """Make the memory, for the processes that this one starts; it lasts as long as the file that is returned.

    None if there is no room for it: then any process accepts any connection.
    """
    try:
        file = tempfile.NamedTemporaryFile(prefix="postbacks-web-")  # noqa: SIM115 -- who starts the others keeps it
        file.truncate(_BYTES)
    except OSError:
        return None
    os.environ[VARIABLE] = file.name
    return file


def forget() -> None:
    """Remove the file of one that was killed. To be called where it is gone, by each process that it started."""
    if VARIABLE in os.environ:
        with suppress(OSError):
            Path(os.environ[VARIABLE]).unlink(missing_ok=True)


class Turns:
    """What one process, by its number from 1 on, knows of all of them."""

    def __init__(self, number: int) -> None:
        self._own = number - 1
        self._numbers = _shared() if number <= MOST_PROCESSES else None

    @property
    def are_known(self) -> bool:
        """Whether the processes share what they note."""
        return self._numbers is not None

    def note(self, connections: int) -> None:
        """This process has so many connections, and accepts more."""
        if self._numbers is not None:
            self._numbers[self._own] = connections + 1

    def note_taken(self) -> None:
        """It has accepted one more."""
        if self._numbers is not None:
            self._numbers[MOST_PROCESSES + self._own] += 1

    def taken_by_others(self) -> int:
        """How many the others have accepted since they were started."""
        if self._numbers is None:
            return 0
        return sum(self._numbers[MOST_PROCESSES:]) - self._numbers[MOST_PROCESSES + self._own]

    def is_own(self) -> bool:
        """Whether the next connection is for this process, which has noted how many it has."""
        if self._numbers is None:
            return True
        have = {number: noted - 1 for number, noted in enumerate(self._numbers[:MOST_PROCESSES]) if noted}
        if sum(have.values()) < FEW:
            return self._own == min(have)
        return have[self._own] <= min(have.values()) + DIFFERENCE


def _shared() -> memoryview | None:
    """The memory that the process that started this one has made, if it has."""
    try:
        with Path(os.environ[VARIABLE]).open("r+b") as file:
            return memoryview(mmap.mmap(file.fileno(), _BYTES)).cast(_FORM)
    except (KeyError, OSError, ValueError):
        return None
