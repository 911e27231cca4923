import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.personal.erase import RECORD_SECONDS
from accounts.personal.export import document
from accounts.personal.found import find
from actions.intake.catch_up import record_all
from commands.base import Command as BaseCommand


class Command(BaseCommand):
    help = "Write all data about a customer, found by the reported CustomerId, as JSON."
    always_json = True
    json_keys = {
        "file": "with --output: the file that was written",
        "actions": "with --output: how many actions are in it",
    }
    fails_if = "there is no data, or the file cannot be written"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer_id", help="exactly as reported")
        parser.add_argument(
            "--output", type=Path, help="a new file, readable only by its owner; default: standard output"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if queued := record_all(RECORD_SECONDS):
            self.stderr.write(
                f"{queued} reports were answered and cannot be recorded yet, because a transaction holds rows. They "
                "may be of this customer, and are left out. Run the command again in a minute."
            )
        person = find(options["customer_id"])
        if not person:
            raise CommandError(f"There is no data about a customer {person.customer_id}.")
        text = json.dumps(document(person), indent=2, ensure_ascii=False) + "\n"
        path: Path | None = options["output"]
        if path is None:
            self.stdout.write(text)
            return
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
        except OSError as error:
            raise CommandError(f"Cannot write {path}: {error.strerror}. Name a new file.") from error
        if self.as_json:
            self.report({"file": str(path), "actions": len(person.actions)}, "")
        else:
            self.stderr.write(f"Wrote {len(person.actions)} actions to {path}.")
