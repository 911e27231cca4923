"""`manage.py try_now`: tries deliveries now that wait for a retry or for the Minimum Delay."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from commands.base import Command as BaseCommand
from commands.failing import UsageError
from commands.progress import progress
from postbacks.delivery.try_now import IS_LEFT_OUT, IS_TRIED, prospects_of, try_now
from postbacks.delivery_log.history import CHANGE, note_by
from postbacks.delivery_log.seen import seen_now
from postbacks.models import Delivery, Postback
from postbacks.replay.names import UnknownNameError, selection_of

ASK_ABOVE = 100
_BATCH = 1_000  # Some tens of milliseconds.


class Command(BaseCommand):
    help = (
        "Tries deliveries now that wait for a retry or for the Minimum Delay: those of the named partners, networks "
        "and postbacks (by id or name; repeat an option for more). Paused postbacks, held destinations, the order of "
        "an action's events and the rate limit are respected; each try counts as an attempt."
    )
    json_keys = {
        "dry_run": "whether nothing was tried, because of --dry-run",
        "found": "how many can be tried",
        "tried": "how many are tried now",
        "left_out": "object: why -> how many",
    }
    fails_if = "nothing waits there"

    def add_arguments(self, parser: ArgumentParser) -> None:
        for option in ("--partner", "--media-source", "--postback"):
            parser.add_argument(option, action="append", metavar="ID|NAME")
        parser.add_argument("--dry-run", action="store_true", help="count, and try nothing")
        parser.add_argument("--yes", action="store_true", help=f"do not ask for confirmation (asked above {ASK_ABOVE})")

    def handle(self, *_: object, **options: Any) -> None:
        seen = seen_now()
        ids = list(_waiting(options))
        codes = Counter(each.code for batch in _batches(ids) for each in prospects_of(batch, seen.attempt))
        left_out = {code: codes[code] for code in IS_LEFT_OUT if codes[code]}
        for code, text in {**IS_TRIED, **IS_LEFT_OUT}.items():
            if codes[code] and not self.as_json:
                self.stdout.write(f"{codes[code]:,} {'' if code in IS_TRIED else 'left out: '}{text}")
        count = sum(codes[code] for code in IS_TRIED)
        if not count:
            raise CommandError("Nothing waits for a retry or for the Minimum Delay there.")
        if options["dry_run"]:
            self.report(_told(count, 0, left_out, dry_run=True), "Nothing was tried: this was a dry run.")
            return
        if count > ASK_ABOVE and not options["yes"]:
            self.confirm(f"Try these {count:,} now?", "Nothing was tried.", f"try {count:,} deliveries")
        tried = 0
        with progress(count, what="deliveries", as_json=self.as_json) as bar:
            for batch in _batches(ids):
                done = try_now(batch, since=seen.attempt)
                note_by(_author(), done, CHANGE, "Tried now.")
                tried += len(done)
                bar.update(len(done))
        text = f"{tried:,} {'delivery is' if tried == 1 else 'deliveries are'} tried now."
        self.report(_told(count, tried, left_out), text)


def _told(found: int, tried: int, left_out: dict[str, int], *, dry_run: bool = False) -> dict[str, Any]:
    return {"dry_run": dry_run, "found": found, "tried": tried, "left_out": left_out}


def _waiting(options: dict[str, Any]) -> Iterator[int]:
    named = {name: options[name] for name in ("partner", "media_source", "postback")}
    if not any(named.values()):
        raise UsageError("Name a --partner, a --media-source or a --postback.")
    try:
        selection = selection_of(named)
    except UnknownNameError as error:
        raise CommandError(str(error)) from error
    postbacks = (
        Postback.objects.existing().filter(partner__in=selection.partners)
        | Postback.objects.existing().filter(media_source__in=selection.media_sources)
        | Postback.objects.existing().filter(pk__in=selection.postbacks)
    )
    waiting = Delivery.objects.filter(
        state=Delivery.State.READY, postback__in=list(postbacks.values_list("pk", flat=True))
    )
    yield from waiting.order_by().values_list("pk", flat=True)


def _batches(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))


def _author() -> str:
    try:
        return f"try_now, run by {getpass.getuser()}"
    except (OSError, KeyError):  # An account without a name, as in some containers.
        return "try_now"
