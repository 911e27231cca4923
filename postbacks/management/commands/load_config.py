"""`manage.py load_config`: loads a configuration file."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import IntegrityError

from commands.base import Command as BaseCommand
from postbacks.config_file.changes import LoadResult
from postbacks.config_file.load import load_config
from postbacks.config_file.problems import ConfigError, Problem

_SIGNS = {"+": "created", "~": "changed", "-": "deleted"}


class Command(BaseCommand):
    help = """Load programs, partners, contracts, media sources and postbacks from a YAML or JSON file.

Everything is checked first: if anything is wrong, every problem is listed with its place and nothing is written.
Otherwise the changes are written together and listed: + created, ~ changed, - deleted. Loading the same file again
changes nothing. What the file does not name stays, unless --prune is given. What is valid but unlikely to be meant is
loaded, with a warning on the error output. docs/configuration.md lists the keys."""
    json_keys = {
        "dry_run": "whether nothing was written, because of --dry-run",
        "changes": "list of {change: created|changed|deleted, what, details: list of texts}",
        "unchanged": "how many entries were as the file says",
        "notes": "what to do next: list of texts",
        "warnings": "list of {line, message}: valid, but unlikely to be meant",
        "problems": "list of {line, message}: why nothing was written; then there are no other keys",
    }
    fails_if = "the file is not valid; nothing is written"

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
            if self.as_json:
                self.report({"problems": list(map(_place, error.problems))}, "")
            raise CommandError(f"{file} has {found}; nothing was written.\n{listed}") from error
        except IntegrityError as error:
            raise CommandError(
                f"The configuration was changed elsewhere at the same time; nothing was written. Load again.\n{error}"
            ) from error
        for warning in _sorted(outcome.warnings):
            self.stderr.write(f"Warning: {warning}")
        if verbosity or self.as_json:
            self.report(_told(outcome, dry_run=dry_run), _report(outcome, dry_run=dry_run))


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


def _sorted(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda each: each.place.line)


def _place(problem: Problem) -> dict[str, Any]:
    return {"line": problem.place.line, "message": str(problem)}


def _told(outcome: LoadResult, *, dry_run: bool) -> dict[str, Any]:
    changes = [
        {"change": _SIGNS[change.sign], "what": change.subject, "details": list(change.details)}
        for change in outcome.changes
    ]
    return {
        "dry_run": dry_run,
        "changes": changes,
        "unchanged": outcome.unchanged,
        "notes": outcome.notes,
        "warnings": list(map(_place, _sorted(outcome.warnings))),
    }


def _report(outcome: LoadResult, *, dry_run: bool) -> str:
    lines = [str(change) for change in outcome.changes] + outcome.notes
    unchanged = f"{outcome.unchanged} unchanged"
    if not outcome.changes:
        return "\n".join([*lines, f"Nothing to change: {unchanged}."])
    counts = ", ".join(f"{outcome.count(sign)} {word}" for sign, word in _SIGNS.items())
    lead = "Dry run, nothing was written. It would be: " if dry_run else ""
    return "\n".join([*lines, f"{lead}{counts}, {unchanged}."])
