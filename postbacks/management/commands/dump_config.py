"""`manage.py dump_config`: writes the configuration as a file."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import CommandError

from commands.base import Command as BaseCommand
from postbacks.config_file.dump import document, dump_config


class Command(BaseCommand):
    help = (
        "Write programs, partners, contracts, media sources, postbacks and exchange rates as YAML that load_config "
        "reads. Actions, deliveries and whether a postback is paused are not included."
    )
    json_keys = {
        "exchange_rates": "as docs/configuration.md says",
        "programs": "as well",
        "partners": "as well",
        "media_sources": "as well",
        "file": "if a FILE is given: what was written, and there are no other keys",
    }
    fails_if = "the file cannot be written"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="default: standard output")

    def handle(self, *_: object, file: str, **__: object) -> None:
        if file == "-":
            if self.as_json:
                self.report(document(), "")
            else:
                self.stdout.write(dump_config(), ending="")
            return
        text = dump_config()
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}.") from error
        self.report({"file": file}, f"Wrote {file}.")
