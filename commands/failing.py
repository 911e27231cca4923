"""Ends a command with a message: a line on standard error or, if JSON was asked for, an object on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from commands.exit_codes import ExitCode
from commands.terminal import painter

_printed: list[bool] = []  # Whether standard output has its JSON already.


class UsageError(CommandError):
    """The command line is wrong in a way that its parser does not see."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, returncode=ExitCode.USAGE)


class ServerAwayError(CommandError):
    """PostgreSQL or Redis does not answer."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, returncode=ExitCode.SERVER_AWAY)


def fail(message: str, code: int, *, as_json: bool) -> NoReturn:
    """Print the message and exit. Of JSON, standard output gets one value: a report, or else the error."""
    if as_json and not _printed:
        print_json({"error": message, "exit_code": int(code)}, sys.stdout.write)
    else:
        error = painter(sys.stderr).ERROR
        sys.stderr.write("\n".join(error(line) for line in f"Error: {message}".splitlines()) + "\n")
    sys.exit(int(code))


def fail_to_start(message: str, argv: Sequence[str]) -> NoReturn:
    """Print why nothing can be run with these settings, and exit."""
    fail(message, ExitCode.NOT_SET_UP, as_json=wants_json(argv[2:]))


def print_json(value: object, write: Callable[[str], object]) -> None:
    """Write `value` as JSON. In ASCII, so that no terminal or pipe has to know another encoding."""
    _printed.append(True)
    write(json.dumps(value, indent=2, cls=DjangoJSONEncoder) + "\n")


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON, as far as one can tell before it is parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(len(option) > len("--j") and "--json".startswith(option) for option in options)
