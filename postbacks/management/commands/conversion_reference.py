"""`manage.py conversion_reference`: prints docs/macros.md."""

from commands.base import Command as BaseCommand
from postbacks.conversion.reference import reference


class Command(BaseCommand):
    help = "Print the macros of other networks and their translations in Markdown: the content of docs/macros.md."

    requires_system_checks: list[str] = []  # Some query the database.

    def handle(self, *_arguments: object, **_options: object) -> None:
        self.stdout.write(reference(), ending="")
