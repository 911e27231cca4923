"""Resend and Cancel, of one delivery or of many: what they do, in words; which are chosen; the question before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from postbacks.log.cancel import cancel
from postbacks.log.history import ADDITION, CHANGE, note
from postbacks.log.resend import resend
from postbacks.models import Delivery, Postback

MOST: Final = 10_000  # At once; more than that is a replay, which can be watched and stopped.
_SHOWN_POSTBACKS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """What is about to happen: to how many, of which postbacks (the first few, with their numbers), and what else."""

    ids: list[int]
    chosen: int
    postbacks: list[tuple[Postback, int]]
    more_postbacks: int

    @property
    def left_out(self) -> int:
        return self.chosen - len(self.ids)


@dataclass(frozen=True, slots=True)
class Deed:
    """One of the two. `fits` are the states in which a delivery may be."""

    name: str
    title: str
    verb: str
    done: str
    fits: tuple[str, ...]
    unfit: str
    consequence: str

    def question(self, rows: QuerySet[Delivery]) -> Question:
        """About these deliveries, of which some may not fit."""
        found = list(rows.order_by("pk").values_list("pk", "state", "postback_id", "postback__deleted_at"))
        fit = [(pk, postback) for pk, state, postback, gone in found if state in self.fits and not self._lost(gone)]
        counts = Counter(postback for _, postback in fit).most_common()
        first = counts[:_SHOWN_POSTBACKS]
        named = Postback.objects.select_related("partner", "media_source").in_bulk([postback for postback, _ in first])
        shown = [(named[postback], count) for postback, count in first]
        return Question([pk for pk, _ in fit], len(found), shown, len(counts) - len(first))

    def do(self, user: Any, ids: Sequence[int]) -> list[int]:
        """Does it, and notes who did; returns the ids of the deliveries that were made or changed."""
        if self is RESEND:
            made = resend(ids)
            note(user, made, ADDITION, "Sent again.")
            return made
        ended = cancel(ids, f"Cancelled by {user.get_username()}.")
        note(user, ended, CHANGE, "Cancelled.")
        return ended

    def _lost(self, deleted_at: object) -> bool:
        return self is RESEND and deleted_at is not None


RESEND: Final = Deed(
    name="resend",
    title="Resend",
    verb="will be sent again",
    done="sent again",
    fits=Delivery.FINISHED,
    unfit="not finished, waiting in another delivery of its event, or of a deleted postback",
    consequence="Each becomes a new delivery, known to the receiver by the same id, and goes behind live traffic.",
)
CANCEL: Final = Deed(
    name="cancel",
    title="Cancel",
    verb="will be cancelled",
    done="cancelled",
    fits=Delivery.WAITING,
    unfit="finished, or being sent at this moment",
    consequence="The receiver never hears of these events; later events of the same actions no longer wait for them.",
)
DEEDS: Final = {deed.name: deed for deed in (RESEND, CANCEL)}


def ids_in(text: str) -> list[int]:
    """Ids with commas between them; what is none is left out, and what is more than `MOST`."""
    parts = [part for part in text.split(",") if part.isascii() and part.isdigit() and len(part) < 19]
    return [int(part) for part in parts[:MOST]]


def count_of(number: int) -> str:
    return f"{number:,} {'delivery' if number == 1 else 'deliveries'}"
