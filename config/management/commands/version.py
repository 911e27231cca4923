"""`partner-postbacks version`: the version of the product, and of what it runs on."""

import platform

import django

from commands.base import Command as BaseCommand
from postbacks import __version__


class Command(BaseCommand):
    help = "Print the version. With --json, also those of Python and Django."
    json_keys = {
        "version": "of Partner Postbacks",
        "python": "of Python",
        "django": "of Django",
        "system": "the system and the processor",
    }

    requires_system_checks: list[str] = []  # Some query the database.

    def handle(self, *_arguments: object, **_options: object) -> None:
        told = {
            "version": __version__,
            "python": platform.python_version(),
            "django": django.get_version(),
            "system": f"{platform.system()} {platform.machine()}",
        }
        self.report(told, self.product_version or __version__)
