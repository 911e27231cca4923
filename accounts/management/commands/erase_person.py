from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from accounts.personal.erase import RECORD_SECONDS, Erased, StillQueuedError, StillSendingError, count, erase
from accounts.personal.found import find
from actions.intake.catch_up import record_all
from commands.base import Command as BaseCommand


class Command(BaseCommand):
    help = (
        "Permanently remove the personal data of a customer, found by the reported CustomerId, from actions, events, "
        "submissions and the delivery log. Actions, amounts and deliveries stay. Without --yes, it only counts."
    )
    json_keys = {
        "customer_id": "the customer, as reported",
        "removed": "whether the data was removed; false without --yes, and if there is none",
        "actions": "actions with data of the customer",
        "events": "their events",
        "attempts": "attempts that sent data of the customer",
        "submissions": "reports with data of the customer",
        "rules": "attribution rules of the customer",
    }
    fails_if = "postbacks with the data are being sent, or reports cannot be recorded yet"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer_id", help="exactly as reported")
        parser.add_argument("--yes", action="store_true", help="remove the data")

    def handle(self, *_args: Any, **options: Any) -> None:
        queued = record_all(RECORD_SECONDS)  # What is queued is found by no customer's id.
        person = find(options["customer_id"])
        if not person and not queued:
            self._tell(
                person.customer_id, Erased(0, 0, 0, 0, 0), f"There is no data about a customer {person.customer_id}."
            )
            return
        if not options["yes"]:
            would = count(person)
            text = f"Would lose personal data: {_told(would)}. Add --yes to remove it."
            self._tell(person.customer_id, would, text)
            return
        try:
            erased = erase(person.customer_id)
        except (StillQueuedError, StillSendingError) as error:
            raise CommandError(str(error)) from error
        self._tell(person.customer_id, erased, f"Personal data was removed: {_told(erased)}.", removed=True)

    def _tell(self, customer_id: str, counted: Erased, text: str, *, removed: bool = False) -> None:
        self.report({"customer_id": customer_id, "removed": removed, **asdict(counted)}, text)


def _told(erased: Erased) -> str:
    return (
        f"actions {erased.actions}, events {erased.events}, attempts {erased.attempts}, "
        f"submissions {erased.submissions}; attribution rules deleted: {erased.rules}"
    )
