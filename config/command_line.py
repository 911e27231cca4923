"""Django's commands, with the embedded PostgreSQL and Redis running for those that need them.

`manage.py` in a checkout, the script `partner-postbacks` of an installed package, and `python -m config.command_line`
when the project starts one of its own commands: all three run `main`.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.utils import InterfaceError, OperationalError, ProgrammingError
from psycopg2.errors import UndefinedTable
from redis import RedisError

from operations import advice as advice_on

# These need neither PostgreSQL nor Redis; `up` starts them itself.
WITHOUT_SERVICES = {
    *("help", "version", "--version", "check", "collectstatic", "findstatic", "diffsettings", "startapp", "up"),
    *("makemessages", "compilemessages", "receive_postbacks", "template_reference"),
    *("convert_template", "conversion_reference"),
}


def main() -> None:
    """Run the command in `sys.argv`, and hold the embedded servers meanwhile if it needs them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        if needs_services(sys.argv[1:]):
            run_with_services()
        else:
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except ProgrammingError as error:
        if not isinstance(error.__cause__, UndefinedTable):
            raise
        program = Path(sys.argv[0]).name
        sys.exit(f"The database lacks a table. Run `{program} migrate` (or `{program} up`) first.\n{error}")
    except (OperationalError, InterfaceError, psycopg2.OperationalError, RedisError) as error:
        sys.exit(server_away(error))


def server_away(error: Exception) -> str:
    """Return what to print if PostgreSQL or Redis does not answer: what is said, and what to do."""
    server, advice, variable = "The database", advice_on.DATABASE, "DATABASE_URL"
    if isinstance(error, RedisError):
        server, advice, variable = "Redis", advice_on.REDIS, "REDIS_URL"
    said = " ".join(str(error).split())
    fix = advice_on.fix_of(error, advice, f"Check that it runs and that {variable} is correct.")
    return f"{server} does not answer: {said}\n{fix}"


def run_with_services() -> None:
    """Run the command; a signal to end leaves through `services()`, so that the servers do not keep running."""
    from devtools import embedded  # noqa: PLC0415 -- a command that needs no server does not need its packages

    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, leave)
    try:
        with embedded.services():
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(str(error))


def needs_services(arguments: list[str]) -> bool:
    """Return whether the command line (without the program's name) needs PostgreSQL or Redis."""
    if not arguments or "--help" in arguments or "-h" in arguments:
        return False
    command, *options = arguments
    if command == "check":
        return "--database" in options
    if command == "preview_postback":
        return any(option.split("=")[0] == "--postback" for option in options)
    return command not in WITHOUT_SERVICES


def leave(number: int, _frame: FrameType | None) -> None:
    """Exit as if by signal `number`, but through all `finally` clauses."""
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
