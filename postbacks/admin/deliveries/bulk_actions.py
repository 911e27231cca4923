"""Resend and Cancel, for one delivery or many: what they do, what is chosen, and the confirmation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from partners.ids import read_id
from postbacks.delivery.cancel import cancel
from postbacks.delivery_log.history import ADDITION, CHANGE, note
from postbacks.models import Delivery, Postback
from postbacks.replay.resend import resend

MOST: Final = 10_000  # At once; for more, start a replay, which can be watched and stopped.
_SHOWN_POSTBACKS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """What is about to happen: to which deliveries, and of which postbacks (the first few, with their counts)."""

    ids: list[int]
    chosen: int
    postbacks: list[tuple[Postback, int]]
    more_postbacks: int

    @property
    def left_out(self) -> int:
        return self.chosen - len(self.ids)


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One of the two. `fits` holds the states that a delivery may be in, `of_deleted` says whether its postback may be
    deleted. `do` takes the user and the ids, acts, and notes who did it; it returns the ids of the deliveries that it
    made or changed."""

    name: str
    title: str
    verb: str
    done: str
    fits: tuple[str, ...]
    of_deleted: bool
    unfit: str
    consequence: str
    do: Callable[[Any, Sequence[int]], list[int]]

    def question(self, rows: QuerySet[Delivery]) -> Question:
        """The question about these deliveries, some of which may not fit."""
        found = list(rows.order_by("pk").values_list("pk", "state", "postback_id", "postback__deleted_at"))
        fit = [(pk, postback) for pk, state, postback, gone in found if state in self.fits and not self._lost(gone)]
        counts = Counter(postback for _, postback in fit).most_common()
        first = counts[:_SHOWN_POSTBACKS]
        named = Postback.objects.select_related("partner", "media_source").in_bulk([postback for postback, _ in first])
        shown = [(named[postback], count) for postback, count in first]
        return Question([pk for pk, _ in fit], len(found), shown, len(counts) - len(first))

    def _lost(self, deleted_at: object) -> bool:
        return deleted_at is not None and not self.of_deleted


def _resend(user: Any, ids: Sequence[int]) -> list[int]:
    made = resend(ids)
    note(user, made, ADDITION, "Sent again.")
    return made


def _cancel(user: Any, ids: Sequence[int]) -> list[int]:
    ended = cancel(ids, f"Cancelled by {user.get_username()}.")
    note(user, ended, CHANGE, "Cancelled.")
    return ended


RESEND: Final = BulkAction(
    name="resend",
    title="Resend",
    verb="will be sent again",
    done="sent again",
    fits=Delivery.FINISHED,
    of_deleted=False,
    unfit="not finished, already waiting as another delivery of its event, or of a deleted postback",
    consequence="Each becomes a new delivery, with the id that the receiver knows, and goes behind live traffic.",
    do=_resend,
)
CANCEL: Final = BulkAction(
    name="cancel",
    title="Cancel",
    verb="will be cancelled",
    done="cancelled",
    fits=Delivery.WAITING,
    of_deleted=True,
    unfit="finished, or being sent at this moment",
    consequence="The receiver never gets these events; later events of the same actions no longer wait for them.",
    do=_cancel,
)
BULK_ACTIONS: Final = {bulk_action.name: bulk_action for bulk_action in (RESEND, CANCEL)}


def ids_in(text: str) -> list[int]:
    """Reads ids separated by commas; skips what is not an id, and anything after the first `MOST`."""
    ids = [pk for part in text.split(",") if (pk := read_id(part)) is not None]
    return ids[:MOST]


def count_of(number: int) -> str:
    return f"{number:,} {'delivery' if number == 1 else 'deliveries'}"
