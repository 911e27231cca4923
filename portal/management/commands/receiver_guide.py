"""`manage.py receiver_guide`: prints docs/receivers.md."""

from commands.base import Command as BaseCommand
from portal.guide import text


class Command(BaseCommand):
    help = "Print the receiver's guide in Markdown: the content of docs/receivers.md."

    requires_system_checks: list[str] = []  # Some query the database.

    def handle(self, *_arguments: object, **_options: object) -> None:
        self.stdout.write(text(), ending="")
