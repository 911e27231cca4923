"""Shows the output of the programs line by line, with their names.

Each program writes to its own named pipe, which supervisord treats as its log file.
"""

import os
import selectors
import sys
from collections.abc import Iterable
from pathlib import Path

from commands.terminal import coloured

NAME_WIDTH = 10
COLOURS = ("36", "32", "33", "35", "34", "31")
READ_BYTES = 65_536


class Console:
    """Reads the pipes of the programs called `names`, made in `folder`, and prints their lines."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._selector = selectors.DefaultSelector()
        self._rests: dict[str, bytes] = {}
        has_colours = coloured(sys.stdout)
        for number, name in enumerate(names):
            path = folder / f"{name}.pipe"
            path.unlink(missing_ok=True)
            os.mkfifo(path, 0o600)
            # Open for writing too: a pipe whose last writer is restarting must not read as ended.
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            colour = COLOURS[number % len(COLOURS)]
            label = f"{name:<{NAME_WIDTH}}| "
            self._selector.register(
                descriptor, selectors.EVENT_READ, f"\033[{colour}m{label}\033[0m" if has_colours else label
            )

    def show(self, wait_seconds: float) -> bool:
        """Wait for output of the programs and print it; return whether there was any."""
        ready = self._selector.select(wait_seconds)
        for key, _ in ready:
            self._show_lines(key.data, os.read(key.fd, READ_BYTES))
        return bool(ready)

    def show_rest(self) -> None:
        """Print what is left after the programs have ended."""
        while self.show(0):
            pass

    def _show_lines(self, label: str, read: bytes) -> None:
        *lines, rest = (self._rests.get(label, b"") + read).split(b"\n")
        self._rests[label] = rest
        for line in lines:
            say(label + line.decode(errors="replace").rstrip("\r"))


def say(text: str) -> None:
    """Print a line. If the terminal is gone, go on silently, so that the programs are still stopped."""
    try:
        print(text, flush=True)  # noqa: T201 -- the terminal is what this module is for
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
