from typing import Any

from django.core.management import BaseCommand, CommandParser

from actions.api.tokens import create_token


class Command(BaseCommand):
    help = "Make a token for the conversion API. Its text is shown once; only its hash is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Who will use it, such as shop.")

    def handle(self, *_args: Any, **options: Any) -> None:
        name = " ".join(options["name"].split())[:100]
        token, text = create_token(name)
        self.stdout.write(f"AccountSID  {token.account_sid}\nAuthToken   {text}")
