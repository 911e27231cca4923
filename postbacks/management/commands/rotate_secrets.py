"""`manage.py rotate_secrets`: encrypts the stored secrets with the newest key."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from postbacks.credentials.secrets.rotation import rotate_secrets


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret again with the first key of POSTBACKS_ENCRYPTION_KEYS. Once this has succeeded, "
        "you can remove the older keys."
    )

    def handle(self, *_arguments: object, **_options: object) -> None:
        rotated = rotate_secrets()
        noun = "postback" if rotated.postbacks == 1 else "postbacks"
        self.stdout.write(f"The secrets of {rotated.postbacks} {noun} are encrypted with the newest key.")
        if rotated.others:
            self.stdout.write(f"So are {rotated.others} others, of second factors and of channels of notices.")
        if rotated.unreadable:
            raise CommandError("Keep the older keys: some secrets could not be read.\n" + "\n".join(rotated.unreadable))
