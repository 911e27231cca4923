"""The class that each command of the project extends."""

from __future__ import annotations

import argparse
import sys
import textwrap
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter, SystemCheckError

from commands.exit_codes import ExitCode
from commands.failing import fail, print_json


class Command(BaseCommand):
    """A command with reports as text or JSON, and with the exit codes of `ExitCode`.

    `json_keys`, the keys of its report and what each holds, gives it `--json`. `fails_if` says in docs/commands.md
    what its exit code 1 means. In `description` and `help`, `%(prog)s` is the command as it was typed.
    """

    json_keys: ClassVar[dict[str, str]] = {}
    always_json: ClassVar[bool] = False
    """Its output is JSON without being asked for it; `--json` makes errors JSON too."""
    fails_if: ClassVar[str] = "it failed; the message says why"

    product_version: ClassVar[str] = ""
    """What `--version` prints; the command line sets it, which may know the product."""

    as_json = False
    _called_from_command_line = False  # Django's own; it sets it.
    suppressed_base_arguments = {
        "--settings",
        "--pythonpath",
    }  # The settings are the product's own.

    def get_version(self) -> str:
        return self.product_version

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("formatter_class", _Help)
        if self.json_keys:
            kwargs.setdefault("epilog", _keys_told(self.json_keys))
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.json_keys or self.always_json:
            add_json(parser)
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.as_json = bool(options.get("json"))
        try:
            result: str | None = super().execute(*args, **options)
        except CommandError as error:
            formats_itself = isinstance(error, SystemCheckError) and not self.as_json
            if not self._called_from_command_line or options["traceback"] or formats_itself:
                raise
            fail(str(error), error.returncode, as_json=self.as_json)
        return result

    def report(self, values: dict[str, Any] | list[Any], text: str) -> None:
        """Print a command's result: `values` if JSON was asked for, else `text`.

        An object's keys are among `json_keys`.
        """
        if isinstance(values, dict) and (unknown := values.keys() - self.json_keys.keys()):
            raise AssertionError(f"json_keys do not say what {', '.join(sorted(unknown))} holds.")
        if self.as_json:
            print_json(values, self.stdout.write)
        else:
            self.stdout.write(text)

    def confirm(self, question: str, otherwise: str, count: str) -> None:
        """Ask at the terminal; raise `CommandError` with `otherwise` unless the answer is yes.

        `count` says what would be done, for the message if nobody can be asked. JSON is for programs: they are not.
        """
        if self.as_json or not sys.stdin.isatty():
            raise CommandError(
                f"This would {count}, and there is no terminal to confirm it: add --yes.", returncode=ExitCode.USAGE
            )
        self.stdout.write(f"{question} [y/N] ", ending="")
        self.stdout.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError(otherwise)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json` to the parser of a command, or of a part of one. Without it, what was parsed before stays."""
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON value on the standard output, errors too, and nothing else",
    )


class _Help(DjangoHelpFormatter):
    """Wraps a text of one paragraph; one that has lines keeps them."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" not in text.strip():
            return super()._fill_text(text, width, indent)
        return "".join(indent + line for line in text.splitlines(keepends=True))


def _keys_told(keys: dict[str, str]) -> str:
    wide = max(map(len, keys))
    lines = []
    for key, text in keys.items():
        first, *more = textwrap.wrap(text, 100 - wide)
        lines += [f"  {key:<{wide}}  {first}", *(f"  {'':<{wide}}  {line}" for line in more)]
    return "\n".join(["keys of --json:", *(line.replace("%", "%%") for line in lines)])
