"""`manage.py import_attribution_rules`: which promo code or click belongs to which partner, from a CSV file."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from commands.base import Command as BaseCommand
from partners.attribution_files import UnreadableRulesError, take_rules
from partners.models import AttributionRule


class Command(BaseCommand):
    help = (
        "Add attribution rules from a CSV file with the columns key,value,partner, and program,start,end where they "
        f"are needed, such as promo_code,HARBOR10,3001. Keys are {', '.join(AttributionRule.Key.values)}. A rule that "
        "is known already is replaced. All lines are taken, or none."
    )
    json_keys = {"taken": "how many rules the file holds"}
    fails_if = "the file cannot be read, or a line is not valid"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file, in UTF-8, or - for standard input")

    def handle(self, *, file: str, **_: object) -> None:
        try:
            with ExitStack() as stack:
                source = (
                    sys.stdin if file == "-" else stack.enter_context(Path(file).open(encoding="utf-8", newline=""))
                )
                count = take_rules(source)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8. Nothing was changed.") from error
        except UnreadableRulesError as error:
            raise CommandError(f"{file}:\n{error}\nNothing was changed.") from error
        self.report({"taken": count}, f"{count:,} rules taken.")
