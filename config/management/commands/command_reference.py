"""`partner-postbacks command_reference`: prints docs/commands.md."""

from commands.base import Command as BaseCommand
from commands.reference import reference


class Command(BaseCommand):
    help = "Print the reference of the commands in Markdown: the content of docs/commands.md."

    requires_system_checks: list[str] = []  # Some query the database.

    def handle(self, *_arguments: object, **_options: object) -> None:
        self.stdout.write(reference(), ending="")
