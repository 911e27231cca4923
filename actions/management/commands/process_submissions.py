import sys
from typing import Any

from django.core.management import CommandError, CommandParser

from actions.api.submit import process_again
from actions.models import Submission
from commands.base import Command as BaseCommand
from commands.failing import UsageError
from commands.progress import progress
from partners.ids import read_id


class Command(BaseCommand):
    help = "Process refused reports again, once the cause is fixed: those named, or all with a reason code."
    json_keys = {
        "recorded": "how many are recorded now, or were recorded before",
        "refused": "how many were refused again",
        "refusals": "these: list of {submission, reason_code, message}",
    }
    fails_if = "no refused report was found"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("submissions", nargs="*", metavar="A-17", help="The submissions.")
        parser.add_argument(
            "--reason", default="", help="All that were refused for it, such as EXCHANGE_RATE_NOT_FOUND."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        names, reason = options["submissions"], options["reason"]
        if bool(names) == bool(reason):
            raise UsageError("Name submissions, such as A-17, or give --reason.")
        wanted = Submission.objects.filter(result=Submission.Result.REJECTED).order_by("id")
        wanted = wanted.filter(pk__in=[_key(name) for name in names]) if names else wanted.filter(reason_code=reason)
        recorded, refusals = 0, []
        with progress(wanted.count(), what="reports", as_json=self.as_json) as bar:
            for submission in wanted.iterator():
                refusal = process_again(submission)
                if refusal is None:
                    recorded += 1
                else:
                    code, message = str(refusal.reason_code), str(refusal.message)
                    refusals.append({"submission": str(submission), "reason_code": code, "message": message})
                    with bar.external_write_mode(file=sys.stderr):
                        self.stderr.write(f"{submission}: {code}: {message}")
                bar.update()
        if not recorded and not refusals:
            raise CommandError("No refused submission was found.")
        told = {"recorded": recorded, "refused": len(refusals), "refusals": refusals}
        self.report(told, f"{recorded:,} recorded or repeated, {len(refusals):,} refused again.")


def _key(name: str) -> int:
    key = read_id(name.removeprefix("A-"))
    if key is None:
        raise UsageError(f"{name!r} is no submission; expected is one such as A-17.")
    return key
