from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.roles.table import Role
from accounts.roles.users import UserError, create_user
from commands.base import Command as BaseCommand


class Command(BaseCommand):
    help = "Create an admin user with a role, and print the random password. It is not shown again."
    json_keys = {"name": "the user name", "role": "the role", "password": "the password"}
    fails_if = "the user exists already, or the name is not valid"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user name to sign in with")
        parser.add_argument("--role", required=True, choices=[str(role) for role in Role])
        parser.add_argument("--email", default="")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            password = create_user(options["name"], Role(options["role"]), email=options["email"])
        except UserError as error:
            raise CommandError(str(error)) from error
        told = {"name": options["name"], "role": options["role"], "password": password}
        self.report(told, f"{options['name']} is {options['role']}. Password: {password}")
