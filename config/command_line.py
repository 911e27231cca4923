"""The project's commands, with the embedded PostgreSQL and Redis running for those that need them.

`commands.start` runs `main`: for `manage.py` in a checkout and for the script `partner-postbacks` of an installed
package. The project starts its own commands by `python -m config.command_line`.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from types import FrameType
from typing import NoReturn

import django
import psycopg2
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line, get_commands, load_command_class
from django.core.management.base import CommandError, CommandParser, handle_default_options
from django.db.utils import InterfaceError, OperationalError, ProgrammingError
from psycopg2.errors import UndefinedColumn, UndefinedTable
from redis import RedisError

from commands import terminal
from commands.base import Command
from commands.exit_codes import ExitCode
from commands.failing import UsageError, fail, wants_json
from config import screens
from environment.garbage import while_loading
from environment.program import command
from operations import advice as advice_on
from postbacks import __version__

# These need neither PostgreSQL nor Redis; `up` starts them itself.
WITHOUT_SERVICES = {
    *("help", "version", "check", "collectstatic", "findstatic", "diffsettings", "startapp", "up", "completion"),
    *("makemessages", "compilemessages", "receive_postbacks", "size", "convert_template"),
    *("template_reference", "receiver_guide", "command_reference", "conversion_reference", "api_document"),
}
# Where a file is short, loading the screens would be a good part of the time.
WITHOUT_SCREENS = {"import_actions"}


def main() -> None:
    """Run the command in `sys.argv`, and hold the embedded servers meanwhile if it needs them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    Command.product_version = f"partner-postbacks {__version__}"
    try:
        try:
            argv = terminal.heed_variables(sys.argv)
            terminal.remember_options(argv)
            run(argv)
        finally:
            gc.freeze()  # At its end, the interpreter would look for garbage in all that was loaded: for half a second.
            sys.stdout.flush()  # Here a closed output is noticed; at the end of the interpreter it is a traceback.
    except BrokenPipeError:
        leave_closed_output()


def run(argv: list[str]) -> None:
    """Run the command of `argv`. Failures that any command can have end it with a message and an exit code."""
    as_json = wants_json(argv[2:])
    try:
        if wants_version(argv):
            load_command_class("config", "version").run_from_argv([argv[0], "version", *argv[2:]])
            return
        set_up(argv)
        if is_understood(argv) and needs_services(argv[1:]):
            run_with_services(argv)
        else:
            execute_from_command_line(argv)
    except CommandError as error:
        fail(str(error), error.returncode, as_json=as_json)
    except ImproperlyConfigured as error:
        fail(str(error), ExitCode.NOT_SET_UP, as_json=as_json)
    except (ProgrammingError, psycopg2.ProgrammingError) as error:
        if not isinstance(error.__cause__ or error, UndefinedTable | UndefinedColumn):
            raise
        said = str(error).splitlines()[0]
        fail(
            f"The database lacks migrations: run `{command('migrate')}`. ({said})", ExitCode.NOT_SET_UP, as_json=as_json
        )
    except (OperationalError, InterfaceError, psycopg2.OperationalError, RedisError) as error:
        fail(server_away(error), ExitCode.SERVER_AWAY, as_json=as_json)
    except KeyboardInterrupt:
        fail("Interrupted.", ExitCode.INTERRUPTED, as_json=as_json)


def server_away(error: Exception) -> str:
    """Return what to print if PostgreSQL or Redis does not answer: what is said, and what to do."""
    server, advice, variable = "The database", advice_on.DATABASE, "DATABASE_URL"
    if isinstance(error, RedisError):
        server, advice, variable = "Redis", advice_on.REDIS, "REDIS_URL"
    said = " ".join(str(error).split())
    fix = advice_on.fix_of(error, advice, f"Check that it runs and that {variable} is correct.")
    return f"{server} does not answer: {said} {fix}"


def wants_version(argv: Sequence[str]) -> bool:
    """Return whether the command line asks for the version; Django would print its own."""
    return argv[1:] == ["--version"] or argv[1:2] == ["version"]


def is_understood(argv: Sequence[str]) -> bool:
    """Return whether a command is to be run, and not only help. Raise `CommandError` if there is none of this name.

    Its parser is run too, which exits if the options are wrong: before servers are started for nothing.
    """
    is_help = len(argv) < 2 or argv[1] in ("help", "--help", "-h")
    name = next((each for each in argv[2:] if not each.startswith("-")), None) if is_help else argv[1]
    if name is None:
        return False
    known = get_commands()
    if name not in known:
        like = get_close_matches(name, known, n=1)
        meant = f" Did you mean {like[0]}?" if like else ""
        raise UsageError(f"There is no command {name!r}.{meant} `{command('help')}` lists all.")
    if is_help:
        return False
    chosen = load_command_class(known[name], name)
    # With it, the parser prints what is wrong and exits, as when the command is run; without it, it raises.
    chosen._called_from_command_line = not wants_json(argv[2:])  # type: ignore[attr-defined] # noqa: SLF001
    try:
        chosen.create_parser(argv[0], name).parse_args(argv[2:])
    except CommandError as error:
        raise UsageError(str(error).removeprefix("Error: ")) from error
    return True


def set_up(argv: Sequence[str]) -> None:
    """Load the settings and apps; `--settings` and `--pythonpath` say which, as in Django's own programs."""
    parser = CommandParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    handle_default_options(parser.parse_known_args(argv[2:])[0])
    if argv[1:2] and argv[1] in WITHOUT_SCREENS:
        screens.put_off()
    with while_loading():
        django.setup()


def leave_closed_output() -> NoReturn:
    """Exit because the program that reads our output has ended; what is left to write goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
        os.dup2(nowhere, stream.fileno())
    sys.exit(ExitCode.OUTPUT_CLOSED)


def run_with_services(argv: list[str]) -> None:
    """Run the command; a signal to end leaves through `services()`, so that the servers do not keep running."""
    from devtools import embedded  # noqa: PLC0415 -- a command that needs no server does not need its packages

    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, leave)
    try:
        with embedded.services():
            execute_from_command_line(argv)
    except embedded.NotSetUpError as error:
        raise CommandError(str(error), returncode=ExitCode.NOT_SET_UP) from error
    except embedded.EmbeddedError as error:
        raise CommandError(str(error), returncode=ExitCode.SERVER_AWAY) from error


def needs_services(arguments: list[str]) -> bool:
    """Return whether the command line (without the program's name) needs PostgreSQL or Redis."""
    if not arguments or "--help" in arguments or "-h" in arguments:
        return False
    name, *options = arguments
    if name == "check":
        return "--database" in options
    if name == "preview_postback":
        return any(option.split("=")[0] == "--postback" for option in options)
    return name not in WITHOUT_SERVICES


def leave(number: int, _frame: FrameType | None) -> None:
    """Exit as if by signal `number`, but through all `finally` clauses."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
