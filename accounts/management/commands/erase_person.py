from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.personal.erase import RECORD_SECONDS, Erased, StillQueuedError, StillSendingError, count, erase
from accounts.personal.found import find
from actions.intake.catch_up import record_all


class Command(BaseCommand):
    help = (
        "Permanently remove the personal data of a customer, found by the reported CustomerId, from actions, events, "
        "submissions and the delivery log. Actions, amounts and deliveries stay. Without --yes, it only counts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer_id", help="exactly as reported")
        parser.add_argument("--yes", action="store_true", help="remove the data")

    def handle(self, *_args: Any, **options: Any) -> None:
        queued = record_all(RECORD_SECONDS)  # What is queued is found by no customer's id.
        person = find(options["customer_id"])
        if not person and not queued:
            self.stdout.write(f"There is no data about a customer {person.customer_id}.")
            return
        if not options["yes"]:
            self.stdout.write(f"Would lose personal data: {_told(count(person))}. Add --yes to remove it.")
            return
        try:
            erased = erase(person.customer_id)
        except (StillQueuedError, StillSendingError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Personal data was removed: {_told(erased)}.")


def _told(erased: Erased) -> str:
    return (
        f"actions {erased.actions}, events {erased.events}, attempts {erased.attempts}, "
        f"submissions {erased.submissions}; attribution rules deleted: {erased.rules}"
    )
