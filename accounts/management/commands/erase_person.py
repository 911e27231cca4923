from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.personal.erase import Erased, StillSendingError, count, erase
from accounts.personal.found import find


class Command(BaseCommand):
    help = (
        "Take the personal data of a customer, by the reported CustomerId, out of actions, events, submissions and the "
        "delivery log, for good. Actions, amounts and deliveries stay. Without --yes it only counts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer_id", help="just as it was reported")
        parser.add_argument("--yes", action="store_true", help="do it")

    def handle(self, *_args: Any, **options: Any) -> None:
        person = find(options["customer_id"])
        if not person:
            self.stdout.write(f"Nothing is known of a customer {person.customer_id}.")
            return
        if not options["yes"]:
            self.stdout.write(f"Would lose their personal data: {_told(count(person))}. With --yes it is done.")
            return
        try:
            erased = erase(person.customer_id)
        except StillSendingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Have lost their personal data: {_told(erased)}.")


def _told(erased: Erased) -> str:
    return (
        f"actions {erased.actions}, events {erased.events}, attempts {erased.attempts}, "
        f"submissions {erased.submissions}; attribution rules that go: {erased.rules}"
    )
