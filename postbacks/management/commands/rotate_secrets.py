"""`manage.py rotate_secrets`: encrypts the stored secrets with the newest key."""

from __future__ import annotations

from dataclasses import asdict

from django.core.management.base import CommandError

from commands.base import Command as BaseCommand
from commands.progress import progress
from postbacks.credentials.secrets.rotation import number_of_postbacks, rotate_secrets


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret again with the first key of POSTBACKS_ENCRYPTION_KEYS. Once this has succeeded, "
        "you can remove the older keys."
    )
    json_keys = {
        "postbacks": "how many postbacks have secrets, which are encrypted with the newest key now",
        "others": "other secrets, of second factors, of channels of notices, of proposals",
        "unreadable": "secrets that no key could read: list of texts",
    }
    fails_if = "a secret could not be read: keep the older keys"

    def handle(self, *_arguments: object, **_options: object) -> None:
        with progress(number_of_postbacks(), what="postbacks", as_json=self.as_json) as bar:
            rotated = rotate_secrets(bar.update)
        noun = "postback" if rotated.postbacks == 1 else "postbacks"
        lines = [f"The secrets of {rotated.postbacks} {noun} are encrypted with the newest key."]
        if rotated.others:
            lines.append(f"So are {rotated.others} others, of second factors and of channels of notices.")
        self.report(asdict(rotated), "\n".join(lines))
        if rotated.unreadable:
            raise CommandError("Keep the older keys: some secrets could not be read.\n" + "\n".join(rotated.unreadable))
