from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.roles.table import Role
from accounts.roles.users import UserError, create_user


class Command(BaseCommand):
    help = "Create an admin user with a role, and print the random password. It is not shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user name to sign in with")
        parser.add_argument("--role", required=True, choices=[str(role) for role in Role])
        parser.add_argument("--email", default="")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            password = create_user(options["name"], Role(options["role"]), email=options["email"])
        except UserError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['name']} is {options['role']}. Password: {password}")
