"""`manage.py template_reference`: prints docs/templates.md."""

from commands.base import Command as BaseCommand
from postbacks.request.template.reference import reference


class Command(BaseCommand):
    help = "Print the reference of the template language in Markdown: the content of docs/templates.md."

    requires_system_checks: list[str] = []  # Some query the database.

    def handle(self, *_arguments: object, **_options: object) -> None:
        self.stdout.write(reference(), ending="")
