"""`manage.py replay_actions`: sends action events again."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import CommandError

from commands.base import Command as BaseCommand
from commands.exit_codes import ExitCode
from commands.failing import UsageError
from commands.progress import progress as progress_bar
from environment.program import command
from postbacks.models import Replay
from postbacks.replay import feed, names, plan, progress

ASK_ABOVE = 100

DESCRIPTION = """\
Send action events again: because a partner lost a day, a template was wrong, or a postback was set up late.

Without --to-postback, events for which a postback has had a delivery go to that postback again. With it, one postback
gets the events that it would have received if it had existed. What is still waiting to be sent is left alone.

If later events of the same action were delivered to a postback, they go again after it, in order, so that the receiver
ends in the current state; --exact sends only what matches. Replayed deliveries go behind live traffic.

Name partners, networks, programs, event types and postbacks by id or name; repeat an option for more.

  %(prog)s --partner "Summit Media" --since 2026-11-20 --until 2026-11-20 --dry-run
  %(prog)s --postback 7 --failed-only --rate 20
  %(prog)s --program 1000 --to-postback "Clicks to CRM" --since 2026-11-01
  %(prog)s --list

Ctrl-C stops a replay; --resume continues it. See docs/replay.md.
"""
_FILTERS = (
    ("--partner", "postbacks of this partner"),
    ("--media-source", "postbacks of this network"),
    ("--postback", "this postback"),
    ("--program", "actions of this program"),
    ("--action-tracker", "actions of this event type"),
    ("--action", "this action, such as 1000.2001.158133"),
    ("--order-id", "actions with this order id"),
    ("--event-kind", f"events of this kind: {', '.join(names.EVENT_KINDS)}"),
    ("--status", "actions whose current status is this: PENDING, APPROVED, REVERSED"),
)
_SELECTING = (
    *(option[2:].replace("-", "_") for option, _ in _FILTERS),
    "since",
    "until",
    "failed_only",
    "never_delivered",
    "to_postback",
)


class Command(BaseCommand):
    help = DESCRIPTION
    json_keys = {
        "dry_run": "whether nothing was sent, because of --dry-run",
        "planned": "how many deliveries it makes, or would make",
        "postbacks": "list of {postback, name, matched, following: later events that go again}",
        "first": "the first requests: list of texts",
        "replay": "the number of the replay, for --resume and --cancel",
        "state": "its state: running, finished, stopped, cancelled",
        "made": "how many were handed over to the workers",
        "replays": "--list: list of {replay, started, state, planned, made, delivered, failed, waiting, described}",
    }
    fails_if = "nothing matches, or the replay was stopped"

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_argument_group("which events")
        for option, text in _FILTERS:
            which.add_argument(option, action="append", metavar="ID|NAME" if "id" not in option else "ID", help=text)
        which.add_argument("--since", metavar="DATE|TIME", help="recorded on this day, at this time, or later")
        which.add_argument("--until", metavar="DATE|TIME", help="recorded on this day or earlier, or before this time")
        which.add_argument(
            "--failed-only", action="store_true", help="only events that have failed since they were last delivered"
        )
        which.add_argument("--never-delivered", action="store_true", help="only events that were never delivered")
        which.add_argument("--to-postback", metavar="ID|NAME", help="send to this postback, whatever it has had so far")
        how = parser.add_argument_group("how")
        how.add_argument(
            "--values",
            choices=Replay.Values.values,
            default="as-sent",
            help="the values of the event, or the current ones of the action",
        )
        how.add_argument("--exact", action="store_true", help="do not send later events of the same actions again")
        how.add_argument("--rate", type=int, metavar="N", help="at most N a second, below the limits of the postbacks")
        how.add_argument("--dry-run", action="store_true", help="count, show the first requests, and send nothing")
        how.add_argument("--yes", action="store_true", help=f"do not ask for confirmation (asked above {ASK_ABOVE})")
        other = parser.add_mutually_exclusive_group()
        other.add_argument("--list", action="store_true", help="show the latest replays and their progress")
        other.add_argument("--cancel", type=int, metavar="REPLAY", help="stop a replay and take back what is waiting")
        other.add_argument("--resume", type=int, metavar="REPLAY", help="continue a replay that was stopped")

    def handle(self, *_: object, **options: Any) -> None:
        if options["list"]:
            self.report({"replays": progress.listed()}, progress.table())
        elif options["cancel"] is not None:
            self._cancel(_replay(options["cancel"]))
        elif options["resume"] is not None:
            self._drive(_replay(options["resume"]), resume=True)
        else:
            self._replay(options)

    def _replay(self, options: dict[str, Any]) -> None:
        rate = options["rate"]
        if rate is not None and not 1 <= rate <= 10_000:
            raise UsageError("--rate must be a whole number from 1 to 10,000 a second.")
        given = {name: options[name] for name in _SELECTING}
        try:
            selection = names.selection_of(given)
            planned = plan.plan(selection, exact=options["exact"], values=options["values"])
        except (names.UnknownNameError, plan.NothingMatchedError) as error:
            raise CommandError(str(error)) from error
        if not self.as_json:
            self.stdout.write(_shown(planned))
        if options["dry_run"]:
            self.report({"dry_run": True, **_told(planned)}, "Nothing was sent: this was a dry run.")
            return
        if planned.total > ASK_ABOVE and not options["yes"]:
            self.confirm(f"Send these {planned.total:,}?", "Nothing was sent.", f"send {planned.total:,} deliveries")
        replay = plan.start(
            selection,
            described=names.described(given),
            values=options["values"],
            exact=options["exact"],
            rate=rate,
        )
        self._drive(replay, {"dry_run": False, **_told(planned)})

    def _drive(self, replay: Replay, told: dict[str, Any] | None = None, *, resume: bool = False) -> None:
        driver = feed.Driver(replay.pk)
        with _stoppable():
            if not driver.take(resume=resume):
                replay.refresh_from_db()
                raise CommandError(_not_to_be_driven(replay))
            try:
                with progress_bar(replay.planned, what="deliveries", as_json=self.as_json) as bar:
                    bar.update(replay.made)
                    driver.drive(bar.update)
            except BaseException as stopped:
                driver.let_go(Replay.State.STOPPED)
                replay.refresh_from_db()
                if not isinstance(stopped, KeyboardInterrupt):
                    raise
                raise CommandError(
                    f"Stopped: {replay.made:,} of {replay.planned:,} were handed over. "
                    f"Continue with: {command(f'replay_actions --resume {replay.pk}')}",
                    returncode=ExitCode.INTERRUPTED,
                ) from stopped
        replay.refresh_from_db()
        if replay.state == Replay.State.CANCELLED:
            raise CommandError(f"Replay {replay.pk} was cancelled elsewhere.")
        self.report(
            (told or {}) | _state(replay),
            f"Replay {replay.pk}: all {replay.made:,} were handed over; the workers send them behind live traffic. "
            f"Follow it with: {command('replay_actions --list')}",
        )

    def _cancel(self, replay: Replay) -> None:
        if not feed.cancel(replay):
            raise CommandError(f"Replay {replay.pk} has nothing left to cancel.")
        replay.refresh_from_db()
        self.report(
            _state(replay),
            f"Replay {replay.pk} is cancelled: {replay.made:,} of {replay.planned:,} had been sent or were under way.",
        )


def _replay(number: int) -> Replay:
    replay = Replay.objects.filter(pk=number).first()
    if replay is None:
        raise CommandError(f"There is no replay {number}; --list shows all.")
    return replay


def _not_to_be_driven(replay: Replay) -> str:
    if replay.state == Replay.State.FINISHED:
        return f"Replay {replay.pk} is finished: all {replay.made:,} were handed over."
    return f"Replay {replay.pk} is already running; --list shows its progress."


def _state(replay: Replay) -> dict[str, Any]:
    return {"replay": replay.pk, "state": replay.state, "planned": replay.planned, "made": replay.made}


def _told(planned: plan.Plan) -> dict[str, Any]:
    postbacks = [
        {
            "postback": count.postback.pk,
            "name": str(count.postback),
            "matched": count.matched,
            "following": count.following,
        }
        for count in planned.counts
    ]
    return {"planned": planned.total, "postbacks": postbacks, "first": planned.first}


def _shown(planned: plan.Plan) -> str:
    lines = [f"{planned.total:,} deliveries:"]
    for count in planned.counts:
        again = f", and {count.following:,} later ones again, to keep the order" if count.following else ""
        lines.append(f"  {count.postback} ({count.postback.pk}): {count.matched:,} that match{again}")
    return "\n".join([*lines, "The first:", *(f"  {request}" for request in planned.first)])


@contextmanager
def _stoppable() -> Iterator[None]:
    """Makes SIGTERM stop the replay like Ctrl-C."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
