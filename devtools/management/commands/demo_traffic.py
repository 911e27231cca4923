from argparse import ArgumentParser
from typing import Any

from commands.base import Command as BaseCommand
from devtools.demo.traffic import report_endlessly


class Command(BaseCommand):
    help = (
        "Report a conversion of the demo's shop every few seconds until Ctrl-C: orders, sign-ups, and changes to "
        "recent orders. Needs the demo program, which `up --demo` loads; that also runs this command."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pause", type=float, default=3.0, help="seconds between reports (default: %(default)s)")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            report_endlessly(options["pause"], self.stdout.write)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
