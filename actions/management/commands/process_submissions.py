from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from actions.api.submit import process_again
from actions.models import Submission
from partners.ids import read_id


class Command(BaseCommand):
    help = "Process refused reports again, once the cause is fixed: those named, or all with a reason code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("submissions", nargs="*", metavar="A-17", help="The submissions.")
        parser.add_argument(
            "--reason", default="", help="All that were refused for it, such as EXCHANGE_RATE_NOT_FOUND."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        names, reason = options["submissions"], options["reason"]
        if bool(names) == bool(reason):
            raise CommandError("Name submissions, such as A-17, or give --reason.")
        wanted = Submission.objects.filter(result=Submission.Result.REJECTED).order_by("id")
        wanted = wanted.filter(pk__in=[_key(name) for name in names]) if names else wanted.filter(reason_code=reason)
        recorded = refused = 0
        for submission in wanted.iterator():
            refusal = process_again(submission)
            if refusal is None:
                recorded += 1
            else:
                refused += 1
                self.stderr.write(f"{submission}: {refusal.reason_code}: {refusal.message}")
        if recorded + refused == 0:
            raise CommandError("No refused submission was found.")
        self.stdout.write(f"{recorded:,} recorded or repeated, {refused:,} refused again.")


def _key(name: str) -> int:
    key = read_id(name.removeprefix("A-"))
    if key is None:
        raise CommandError(f"{name!r} is no submission; expected is one such as A-17.")
    return key
