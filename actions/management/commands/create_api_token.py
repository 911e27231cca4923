from typing import Any

from django.core.management import CommandError, CommandParser

from actions.api.tokens import create_token
from actions.models import ApiToken
from actions.models.tokens import usual_scopes
from commands.base import Command as BaseCommand
from partners.models import Program


class Command(BaseCommand):
    help = "Make a token for the API. Its text is shown once; only its hash is kept."
    json_keys = {"account_sid": "the user name of the token", "auth_token": "its password"}
    fails_if = "there is no such program"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Who will use it, such as shop.")
        parser.add_argument(
            "--scope",
            action="append",
            choices=ApiToken.Scope.values,
            help=f"What it may do; may be given several times. Default: {', '.join(usual_scopes())}.",
        )
        parser.add_argument(
            "--program",
            action="append",
            type=int,
            metavar="ID",
            help="The program that it is for; may be given several times. Default: all.",
        )
        parser.add_argument(
            "--own-account",
            nargs="?",
            const="",
            metavar="SID",
            help="Give it an AccountSID of its own, so that a router tells its programs from others (docs/cells.md). "
            "With an SID: a further token of that account.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        name = " ".join(options["name"].split())[:100]
        programs: list[int] | None = options["program"]
        unknown = sorted(set(programs or ()) - set(Program.objects.in_bulk(programs or ())))
        if unknown:
            raise CommandError(f"There is no program {', '.join(map(str, unknown))}. Nothing was made.")
        account: str | None = options["own_account"]
        if account is not None and not programs:
            raise CommandError("--own-account needs the programs of the account: add --program ID. Nothing was made.")
        if account and not ApiToken.objects.filter(account_sid=account, own_account=True).exists():
            raise CommandError(f"No token with an account of its own has the AccountSID {account}. Nothing was made.")
        token, text = create_token(
            name,
            scopes=options["scope"],
            programs=programs,
            own_account=account is not None,
            account_sid=account or "",
        )
        told = {"account_sid": token.account_sid, "auth_token": str(text)}
        self.report(told, f"AccountSID  {token.account_sid}\nAuthToken   {text}")
