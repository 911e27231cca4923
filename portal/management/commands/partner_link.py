"""`manage.py partner_link`: makes, lists and revokes the links by which partners look for themselves, and tokens."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from commands.base import Command as BaseCommand
from commands.base import add_json
from commands.failing import UsageError
from optimize_sources.models import MediaSource
from partners.ids import read_id
from partners.models import Partner
from portal import links
from portal.admin.form import LEAST_PASSWORD, LONGEST
from portal.models import PartnerLink
from portal.tokens import make_token, take_token

_LENGTH = re.compile(r"(\d{1,4})([hd])", re.ASCII)
_UNITS = {"h": "hours", "d": "days"}
NOWHERE = "http://localhost:8000"  # Where PUBLIC_URL does not say where the pages are.


class Command(BaseCommand):
    help = "Make, list and revoke links for partners. A link, and its token, are shown once; only hashes are kept."
    json_keys = {
        "id": "create, token: the number of the link",
        "link": "create: the link",
        "token": "create --token, token: the token",
        "revoked": "revoke: list of numbers",
    }
    fails_if = "there is no such owner or link"

    def add_arguments(self, parser: CommandParser) -> None:
        does = parser.add_subparsers(dest="does", required=True, metavar="create|list|token|revoke")
        create = does.add_parser("create", help="make a link and print it")
        _add_owner(create, required=True)
        create.add_argument("--name", required=True, help="who gets it, such as “engineer at Acme”")
        create.add_argument(
            "--ends", default="90d", help="how long it is valid: 12h, 30d; a year at most (default 90d)"
        )
        rights = PartnerLink.Right.values
        create.add_argument(
            "--right", action="append", choices=rights, help="what it allows; may be given several times"
        )
        create.add_argument("--personal-data", action="store_true", help="show personal data of customers")
        asks = create.add_mutually_exclusive_group()
        asks.add_argument("--password-stdin", action="store_true", help="ask for the password that stdin holds")
        asks.add_argument("--email", default="", help="ask for a code that is sent to this address")
        create.add_argument("--token", action="store_true", help="also make a token for the partner API")
        listed = does.add_parser("list", help="list links")
        _add_owner(listed, required=False)
        token = does.add_parser("token", help="make a token for the partner API and print it; the one before ends")
        token.add_argument("link", type=int, metavar="ID")
        token.add_argument("--withdraw", action="store_true", help="only end the one that there is")
        revoke = does.add_parser("revoke", help="end links at once")
        revoke.add_argument("links", type=int, nargs="+", metavar="ID")
        for each in (create, listed, token, revoke):
            add_json(each)

    def handle(self, *_args: Any, **options: Any) -> None:
        getattr(self, f"_{options['does']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        link = PartnerLink(
            name=options["name"],
            rights=[each for each in PartnerLink.Right.values if each in (options["right"] or ())],
            personal_data=options["personal_data"],
            ends_at=timezone.now() + _length(options["ends"]),
            email=options["email"],
            **_owner(options),
        )
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else ""
        if options["password_stdin"] and len(password) < LEAST_PASSWORD:
            raise CommandError(f"The password has fewer than {LEAST_PASSWORD} characters. Nothing was made.")
        try:
            link.full_clean(exclude=["secret_sha256"])
        except ValidationError as error:
            raise CommandError(f"{' '.join(error.messages)} Nothing was made.") from error
        secret = links.make(link, password=password)
        made = {"id": link.pk, "link": str(links.address_of(secret, settings.PUBLIC_URL or NOWHERE))}
        made |= {"token": str(make_token(link))} if options["token"] else {}
        self.stderr.write(f"Link {link.pk} of {link.owner.name} is valid until {link.ends_at:%Y-%m-%d %H:%M} UTC.")
        self.report(made, "\n".join(str(each) for name, each in made.items() if name != "id"))

    def _list(self, options: dict[str, Any]) -> None:
        rows = PartnerLink.objects.filter(**_owner(options)).select_related("partner", "media_source").order_by("pk")
        told = [_told(each) for each in rows]
        self.report(told, "\n".join(map(_line, told)) or "There are no links.")

    def _token(self, options: dict[str, Any]) -> None:
        link = PartnerLink.objects.filter(pk=options["link"]).first()
        if link is None:
            raise CommandError(f"There is no link {options['link']}.")
        if options["withdraw"]:
            take_token(link)
            self.report({"id": link.pk}, f"Link {link.pk} has no token now.")
            return
        if not PartnerLink.objects.filter(links.in_force(), pk=link.pk).exists():
            raise CommandError(f"Link {link.pk} is not in force: make another one. No token was made.")
        token = str(make_token(link))
        self.report({"id": link.pk, "token": token}, token)

    def _revoke(self, options: dict[str, Any]) -> None:
        rows = PartnerLink.objects.in_bulk(options["links"])
        unknown = [str(key) for key in options["links"] if key not in rows]
        if unknown:
            raise CommandError(f"There is no link {', '.join(unknown)}. Nothing was revoked.")
        for link in rows.values():
            links.revoke(link)
        self.report({"revoked": sorted(rows)}, f"Revoked {', '.join(map(str, sorted(rows)))}.")


def _add_owner(parser: CommandParser, *, required: bool) -> None:
    owner = parser.add_mutually_exclusive_group(required=required)
    owner.add_argument("--partner", metavar="NAME|ID")
    owner.add_argument("--network", metavar="NAME|ID")


def _owner(options: dict[str, Any]) -> dict[str, Any]:
    """By the field of the link. An id goes before a name that looks like one."""
    for option, field, model in (("partner", "partner", Partner), ("network", "media_source", MediaSource)):
        wanted = options[option]
        if wanted is None:
            continue
        rows = model.objects.all()
        key = read_id(wanted)
        found = list(rows.filter(pk=key) if key is not None else ()) or list(rows.filter(name=wanted)[:2])
        if len(found) != 1:
            what = "There are several of this name; give the id" if found else f"There is no {option} {wanted}"
            raise CommandError(f"{what}.")
        return {field: found[0]}
    return {}


def _length(text: str) -> timedelta:
    found = _LENGTH.fullmatch(text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta()
    if not timedelta() < length <= LONGEST:
        raise UsageError("--ends: Give a time such as 12h or 90d, a year at most.")
    return length


def _line(told: dict[str, Any]) -> str:
    rights = ", ".join(told["rights"]) or "reading"
    return f"{told['id']}  {told['state']}  {told['owner']}: {told['name']}  {rights}"


def _told(link: PartnerLink) -> dict[str, Any]:
    ended = "ended" if link.ends_at <= timezone.now() else "valid"
    return {
        "id": link.pk,
        "owner": link.owner.name,
        "name": link.name,
        "rights": link.rights,
        "ends_at": link.ends_at.isoformat(),
        "state": "revoked" if link.revoked_at else ended,
        "token": link.api_token_made_at is not None,
    }
