"""`manage.py dump_config`: writes the configuration as a file."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from postbacks.config_file.dump import dump_config


class Command(BaseCommand):
    help = (
        "Write programs, partners, contracts, media sources, postbacks and exchange rates as YAML that load_config "
        "reads. Actions, deliveries and whether a postback is paused are not included."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="default: standard output")

    def handle(self, *_: object, file: str, **__: object) -> None:
        text = dump_config()
        if file == "-":
            self.stdout.write(text, ending="")
            return
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}.") from error
        self.stdout.write(f"Wrote {file}.")
