"""`manage.py load_config`: loads a configuration file."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from postbacks.config_file.changes import LoadResult
from postbacks.config_file.load import load_config
from postbacks.config_file.problems import ConfigError


class Command(BaseCommand):
    help = """Load programs, partners, contracts, media sources and postbacks from a YAML or JSON file.

Everything is checked first: if anything is wrong, every problem is listed with its place and nothing is written.
Otherwise the changes are written together and listed: + created, ~ changed, - deleted. Loading the same file again
changes nothing. What the file does not name stays, unless --prune is given. What is valid but unlikely to be meant is
loaded, with a warning on the error output. docs/configuration.md lists the keys."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the file to load; - reads standard input")
        parser.add_argument("--dry-run", action="store_true", help="show what would change and write nothing")
        parser.add_argument(
            "--prune",
            action="store_true",
            help="delete what the file does not name, unless something refers to it; waiting deliveries of a deleted "
            "postback are cancelled",
        )

    def handle(self, *_: object, file: str, dry_run: bool, prune: bool, verbosity: int, **__: object) -> None:
        text = _read(file)
        try:
            outcome = load_config(text, dry_run=dry_run, prune=prune)
        except ConfigError as error:
            count = len(error.problems)
            listed = "\n".join(f"  {problem}" for problem in error.problems)
            found = "1 problem" if count == 1 else f"{count} problems"
            raise CommandError(f"{file} has {found}; nothing was written.\n{listed}") from error
        except IntegrityError as error:
            raise CommandError(
                f"The configuration was changed elsewhere at the same time; nothing was written. Load again.\n{error}"
            ) from error
        for warning in sorted(outcome.warnings, key=lambda each: each.place.line):
            self.stderr.write(f"Warning: {warning}")
        if verbosity:
            self.stdout.write(_report(outcome, dry_run=dry_run))


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{file}, line {line}: not UTF-8. Save the file as UTF-8.") from error


def _report(outcome: LoadResult, *, dry_run: bool) -> str:
    lines = [str(change) for change in outcome.changes] + outcome.notes
    unchanged = f"{outcome.unchanged} unchanged"
    if not outcome.changes:
        return "\n".join([*lines, f"Nothing to change: {unchanged}."])
    counts = ", ".join(
        f"{outcome.count(sign)} {word}" for sign, word in (("+", "created"), ("~", "changed"), ("-", "deleted"))
    )
    lead = "Dry run, nothing was written. It would be: " if dry_run else ""
    return "\n".join([*lines, f"{lead}{counts}, {unchanged}."])
