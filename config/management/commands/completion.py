"""`partner-postbacks completion`: prints the script with which a shell completes commands and options."""

from argparse import ArgumentParser
from typing import Any

from commands.base import Command as BaseCommand
from commands.described import all_commands
from commands.shells import SHELLS, script


class Command(BaseCommand):
    help = "Print the script with which a shell completes commands, options and values. See docs/commands.md."

    requires_system_checks: list[str] = []  # Some query the database.

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("shell", choices=SHELLS, help="the shell")

    def handle(self, *_arguments: object, **options: Any) -> None:
        self.stdout.write(script(options["shell"], all_commands()), ending="")
