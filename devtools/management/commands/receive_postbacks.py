"""`manage.py receive_postbacks`: a local receiver for postbacks. Needs neither database nor Redis."""

import io
import sys
from argparse import ArgumentParser
from math import isfinite
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from commands.base import Command as BaseCommand
from commands.failing import UsageError
from devtools.receiver.run import ReceiverError, ReceiverOptions, run
from devtools.receiver.server import Response


class Command(BaseCommand):
    help = (
        "Listen for postbacks on this machine and show each one as it arrives. Every request gets the same answer; "
        "choose it with --status, --body and --delay, for example to see how failures are retried. Ctrl-C stops it."
    )
    fails_if = "it cannot listen, or cannot write the log"
    requires_system_checks: list[str] = []  # They would need the database.

    def add_arguments(self, parser: ArgumentParser) -> None:
        # `handle` reads numbers: it says what is allowed, argparse would not.
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", default="8001", help="port to listen on, 0 for a free one (default: %(default)s)")
        parser.add_argument("--status", default="200", help="HTTP status to answer with (default: %(default)s)")
        parser.add_argument("--body", default="OK", help="body to answer with (default: %(default)s)")
        parser.add_argument(
            "--delay", default="0", metavar="SECONDS", help="wait before each answer (default: %(default)s)"
        )
        parser.add_argument(
            "--log", metavar="FILE.jsonl", help="append each request to this file, one JSON object per line"
        )
        parser.add_argument("--quiet", action="store_true", help="do not show the requests; for high rates")

    def handle(self, *_args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(
                errors="backslashreplace"
            )  # Partners' text may not fit the encoding of the terminal.
        response = Response(
            status=int(_number("--status", options["status"], 200, 599, whole=True)),
            body=options["body"],
            delay_seconds=_number("--delay", options["delay"], 0, 86_400),
        )
        receiver = ReceiverOptions(
            host=options["host"],
            port=int(_number("--port", options["port"], 0, 65_535, whole=True)),
            response=response,
            log=Path(options["log"]) if options["log"] else None,
            quiet=options["quiet"],
        )
        try:
            count = run(receiver, self._write, self.style)
        except ReceiverError as problem:
            raise CommandError(str(problem)) from problem
        self._write(f"Received {count} request{'' if count == 1 else 's'}.\n")

    def _write(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()


def _number(option: str, given: object, lowest: int, highest: int, *, whole: bool = False) -> float:
    kind = "a whole number" if whole else "a number"
    try:
        number = int(str(given)) if whole else float(str(given))
    except ValueError:
        number = float("nan")
    if not (isfinite(number) and lowest <= number <= highest):
        raise UsageError(f"{option} {given} is not {kind} from {lowest} to {highest}.")
    return number
