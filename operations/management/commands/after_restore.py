"""`manage.py after_restore`: before anything starts on a restored database."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from commands.base import Command as BaseCommand
from commands.exit_codes import ExitCode
from operations.after_restore import cluster
from operations.after_restore.had import UnreadableIdsError, cancel_had, read_ids
from operations.after_restore.steps import SKIPPED, Done, RecoveringError, WorkersRunError, make_safe, resume_paused


class Command(BaseCommand):
    help = (
        "Make a restored database safe to start on: skip ids that may have been given out since, and pause every "
        "postback, because what waits may have been sent already. Stop web, workers and beat first. See "
        "docs/backup.md."
    )

    json_keys = {
        "postbacks": "list of {postback, name, waiting: deliveries, paused_now}",
        "replays": "ids of replays that continue once workers run",
        "queued_reports": "reports that were answered, and are recorded once the web runs",
        "resumed": "with --resume: how many postbacks",
        "cancelled": "with --had: how many deliveries",
        "ids": "with --had: how many ids were read",
        "noted": "with --nothing-lost: true",
    }
    fails_if = "workers are running, the database is recovering, or a file cannot be read; nothing was changed"

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--resume", action="store_true", help="Resume what an earlier run of this command has paused.")
        how.add_argument(
            "--had",
            metavar="FILE",
            help="Cancel what waits and receivers have had: a file with a {DeliveryId} on each line, or - for standard "
            "input. Before --resume.",
        )
        how.add_argument(
            "--nothing-lost",
            action="store_true",
            help="Only note that the server is another one, such as after a failover that has lost no transaction.",
        )
        parser.add_argument(
            "--skip", type=int, default=SKIPPED, help=f"How many ids of each kind to skip; default: {SKIPPED}."
        )

    def handle(self, *, resume: bool, had: str | None, nothing_lost: bool, skip: int, **_: Any) -> None:
        if resume:
            resumed = resume_paused()
            self.report({"resumed": resumed}, f"Resumed: {resumed}.")
            return
        if had is not None:
            self._cancel(had)
            return
        if nothing_lost:
            cluster.note()
            self.report({"noted": True}, "Noted. Nothing else was changed.")
            return
        if skip < 0:
            raise CommandError("--skip: write a number of 0 or more.", returncode=ExitCode.USAGE)
        try:
            done = make_safe(skip)
        except RecoveringError:
            raise CommandError(
                "The database is still recovering, or a standby. Wait until `SELECT pg_is_in_recovery()` says f. "
                "Nothing was changed."
            ) from None
        except WorkersRunError:
            raise CommandError(
                "Worker processes are running on this database. Stop web, workers and beat, then run the command "
                "again. Nothing was changed."
            ) from None
        self.report(asdict(done), "\n".join(_lines(done)))

    def _cancel(self, file: str) -> None:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
            ids = read_ids(text.splitlines())
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not UTF-8. Nothing was changed.") from error
        except UnreadableIdsError as error:
            raise CommandError(f"{file}, {error} Nothing was changed.") from error
        cancelled = cancel_had(ids)
        self.report({"cancelled": cancelled, "ids": len(ids)}, f"Cancelled: {cancelled}, of {len(ids)} ids.")


def _lines(done: Done) -> list[str]:
    waiting = [each for each in done.postbacks if each.waiting]
    lines = [
        f"Postbacks paused: {sum(each.paused_now for each in done.postbacks)} of {len(done.postbacks)}.",
        f"Deliveries that wait and may have been sent already: {sum(each.waiting for each in waiting)}.",
        *(f"  postback {each.postback} “{each.name}”: {each.waiting}" for each in waiting),
    ]
    if done.replays:
        lines.append(f"Replays that continue once workers run: {', '.join(map(str, done.replays))}.")
    if done.queued_reports:
        lines.append(f"Reports that were answered and are recorded once the web runs: {done.queued_reports}.")
    lines.append(
        "Next: start web, workers and beat; have what came since the restored moment reported again; cancel what "
        "receivers have had; then `manage.py after_restore --resume`."
    )
    return lines
