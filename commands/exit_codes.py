"""What the exit code of a command says. docs/commands.md lists them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The codes. From 128 on, they are what a shell shows for a program that a signal ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_SET_UP = 3
    SERVER_AWAY = 4
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141
    ENDED = 143

    @property
    def meaning(self) -> str:
        """What it says, as a sentence for the reference."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "Done. A command that runs until Ctrl-C ends with 0 too.",
    ExitCode.FAILED: "The command failed, or found what it looks for. The message says what.",
    ExitCode.USAGE: "The command line is wrong: an unknown command or option, a value that is not valid.",
    ExitCode.NOT_SET_UP: "A setting is missing or not valid, a package is not installed, or a migration is missing.",
    ExitCode.SERVER_AWAY: "PostgreSQL or Redis does not answer.",
    ExitCode.INTERRUPTED: "Ctrl-C.",
    ExitCode.OUTPUT_CLOSED: "The program that read the output ended first, as in `… | head`.",
    ExitCode.ENDED: "SIGTERM; 129 is SIGHUP.",
}
