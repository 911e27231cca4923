"""Files by which somebody outside sees that a loop turns, without asking it: their time is that of its last turn.

`deploy/probe.sh` reads them. A process that is suspended, or hangs, leaves its file behind, and so it grows old.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from environment.variables import data_dir

# Often enough for a probe that looks at minutes, and too seldom to cost anything.
EVERY_SECONDS = 5.0


class AliveFile:
    """The file of one loop of this process; `kind` is `worker` or `beat`. Where it cannot be written, there is none."""

    def __init__(self, kind: str) -> None:
        # Hosts may share the folder, and then their processes have the same numbers.
        self.path = folder() / f"{kind}-{socket.gethostname()}-{os.getpid()}"
        self._next = 0.0

    def note(self) -> None:
        """The loop has turned."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_SECONDS
        with suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch()

    def remove(self) -> None:
        """The loop ends."""
        with suppress(OSError):
            self.path.unlink()


def folder() -> Path:
    """Where the files are."""
    return data_dir() / "alive"


def forget(kind: str) -> None:
    """Remove what killed processes of this host have left: another one may get the number of one of them.

    Those that live write theirs again.
    """
    with suppress(OSError):
        for file in folder().glob(f"{kind}-{socket.gethostname()}-*"):
            file.unlink(missing_ok=True)
