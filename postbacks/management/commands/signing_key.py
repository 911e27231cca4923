"""`manage.py signing_key`: gives a postback a key to sign its requests with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from commands.base import Command as BaseCommand
from environment.program import command
from postbacks.credentials.signing.renewal import SigningError, renew, stop_signing
from postbacks.durations import format_duration, parse_duration
from postbacks.models import Postback

DEFAULT_OVERLAP = "24h"


class Command(BaseCommand):
    help = (
        "Make a new signing key for a postback and print it once. From now on requests are signed with it (by Standard "
        "Webhooks), and also with the previous one until the overlap ends."
    )
    json_keys = {
        "postback": "the number of the postback",
        "signed": "whether its requests are signed now",
        "key": "the new key; null with --stop",
        "previous_for_seconds": "how long the previous key signs too; 0 if there is none",
    }
    fails_if = "there is no such postback"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("postback", type=int, metavar="ID", help="the number of the postback")
        parser.add_argument(
            "--overlap",
            default=DEFAULT_OVERLAP,
            help=f"how long to sign with the previous key too: 90s, 15m, 2h, 3d, 0 (default {DEFAULT_OVERLAP})",
        )
        parser.add_argument("--stop", action="store_true", help="stop signing, and delete the keys")

    def handle(self, *_args: Any, **options: Any) -> None:
        postback = Postback.objects.existing().filter(pk=options["postback"]).first()
        if postback is None:
            raise CommandError(
                f"There is no postback {options['postback']}. `{command('postback_status')}` lists them."
            )
        if options["stop"]:
            stop_signing(postback)
            if self.as_json:
                self._tell(postback, key=None, seconds=0)
            else:
                self.stderr.write(f"{postback} is no longer signed.")
            return
        try:
            seconds = parse_duration(options["overlap"])
            key = renew(postback, timedelta(seconds=seconds))
        except (ValueError, SigningError) as error:
            raise CommandError(str(error)) from error
        until = f", and with the previous one for {format_duration(seconds)}" if postback.previous_signing_key else ""
        self.stderr.write(f"{postback} is signed with this key from now on{until}. It is not shown again.")
        self._tell(postback, str(key), seconds if postback.previous_signing_key else 0)

    def _tell(self, postback: Postback, key: str | None, seconds: float) -> None:
        told = {"postback": postback.pk, "signed": key is not None, "key": key, "previous_for_seconds": seconds}
        self.report(told, str(key))
