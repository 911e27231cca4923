"""The progress of replays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from postbacks.models import Delivery, Replay

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of one replay: its deliveries by state; `to_make` have not been handed over yet."""

    replay: Replay
    by_state: dict[str, int]

    @property
    def to_make(self) -> int:
        return max(0, self.replay.planned - self.replay.made)

    @property
    def delivered(self) -> int:
        return self.by_state.get(Delivery.State.DELIVERED, 0)

    @property
    def failed(self) -> int:
        return self.by_state.get(Delivery.State.FAILED, 0)

    @property
    def waiting(self) -> int:
        return sum(self.by_state.get(state, 0) for state in Delivery.UNFINISHED)

    @property
    def percent(self) -> int:
        """How much of the plan is delivered or failed."""
        return 100 * (self.delivered + self.failed) // self.replay.planned if self.replay.planned else 100


def progress_of(replays: list[Replay]) -> list[Progress]:
    """The progress of each replay, in one statement however many there are."""
    states: dict[int, dict[str, int]] = {replay.pk: {} for replay in replays}
    rows = Delivery.objects.filter(replay__in=replays).order_by().values_list("replay", "state").annotate(Count("pk"))
    for replay, state, count in rows:
        states[replay][state] = count
    return [Progress(replay, states[replay.pk]) for replay in replays]


def listed() -> list[dict[str, Any]]:
    """The latest replays as values."""
    return [
        {
            "replay": each.replay.pk,
            "started": each.replay.created_at,
            "state": each.replay.state,
            "planned": each.replay.planned,
            "made": each.replay.made,
            "delivered": each.delivered,
            "failed": each.failed,
            "waiting": each.waiting,
            "described": each.replay.described,
        }
        for each in progress_of(list(Replay.objects.all()[:SHOWN]))
    ]


def table() -> str:
    """The latest replays as a text table."""
    found = progress_of(list(Replay.objects.all()[:SHOWN]))
    if not found:
        return "There are no replays yet."
    head = ("replay", "started", "state", "planned", "made", "delivered", "failed", "waiting")
    rows = [head, *(_row(each) for each in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for number, each in enumerate(found, 1):
        lines[number] += f"  {each.replay.described}"
    return "\n".join(lines)


def _row(each: Progress) -> tuple[str, ...]:
    replay = each.replay
    counts = (replay.planned, replay.made, each.delivered, each.failed, each.waiting)
    started = replay.created_at.strftime("%Y-%m-%d %H:%M")
    return (str(replay.pk), started, replay.get_state_display(), *(f"{count:,}" for count in counts))
