from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from accounts.second_factor.changes import take_off
from commands.base import Command as BaseCommand


class Command(BaseCommand):
    help = "Remove the second factor of a user who has lost the phone and the recovery codes."
    json_keys = {"name": "the user name"}
    fails_if = "there is no such user, or the user has no second factor"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user name")

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['name']}.")
        if not take_off(user):
            raise CommandError(f"{user} has no second factor.")
        text = f"{user} signs in with the password alone, until a second factor is set up again."
        self.report({"name": user.get_username()}, text)
