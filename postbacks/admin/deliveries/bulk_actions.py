"""Resend, Try now and Cancel, for one delivery or many: what they do, and what becomes of what is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from partners.ids import read_id
from postbacks.delivery import try_now as trying
from postbacks.delivery.cancel import cancel
from postbacks.delivery_log.history import ADDITION, CHANGE, note
from postbacks.delivery_log.seen import Seen
from postbacks.models import Delivery, Postback
from postbacks.replay import prospects
from postbacks.replay.resend import resend

MOST: Final = 10_000  # At once. More are resent by a replay, and tried in the background: both can be watched.
_SHOWN_POSTBACKS = 10
_MEANWHILE = "changed meanwhile"


class Prospect(NamedTuple):
    """What would become of one delivery; `code` is a key of its action's `is_done` or `is_left_out`."""

    delivery_id: int
    postback_id: int
    code: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is about to happen: to which deliveries, how (`ways`), and of which postbacks (the first few).

    `left_out` says how many are not touched, and why; `again` are those left out only because they were resent already,
    which the user may include.
    """

    ids: list[int]
    chosen: int
    ways: list[tuple[int, str]]
    left_out: list[tuple[int, str]]
    again: list[int]
    postbacks: list[tuple[Postback, int]]
    more_postbacks: int

    @property
    def all_ids(self) -> list[int]:
        return sorted([*self.ids, *self.again])


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One of the three. `fits` holds the states that a delivery may be in. `foresee` takes ids and what a page has seen
    (None: a page that is being made), and returns what would become of each. `do` takes the user, the ids and what the
    page has seen, acts, and notes who did it; it returns the ids of the deliveries that it made or changed."""

    name: str
    title: str
    verb: str
    done: tuple[str, str]  # Of one, of many.
    fits: tuple[str, ...]
    is_done: dict[str, str]
    is_left_out: dict[str, str]
    consequence: str
    foresee: Callable[[Sequence[int], Seen | None], Sequence[tuple[int, int, str]]]
    do: Callable[[Any, Sequence[int], Seen], list[int]]

    def question(self, ids: Sequence[int]) -> Question:
        """The question about these deliveries, some of which may not fit."""
        found = [Prospect(*each) for each in self.foresee(ids, None)]
        fit = [each for each in found if each.code in self.is_done]
        codes = Counter(each.code for each in found)
        counts = Counter(each.postback_id for each in fit).most_common()
        first = counts[:_SHOWN_POSTBACKS]
        named = Postback.objects.select_related("partner", "media_source").in_bulk([postback for postback, _ in first])
        return Question(
            ids=[each.delivery_id for each in fit],
            chosen=len(found),
            ways=_counted(codes, self.is_done),
            left_out=_counted(codes, self.is_left_out),
            again=[each.delivery_id for each in found if each.code == prospects.AGAIN],
            postbacks=[(named[postback], count) for postback, count in first],
            more_postbacks=len(counts) - len(first),
        )

    def answer(self, user: Any, ids: Sequence[int], seen: Seen) -> tuple[list[int], str]:
        """Acts; returns the ids that `do` returns, and what has become of the chosen ones in words."""
        before = Counter(code for _, _, code in self.foresee(ids, seen))
        done = self.do(user, ids, seen)
        ways, left_out = _counted(before, self.is_done), _counted(before, self.is_left_out)
        changed = sum(count for count, _ in ways) - len(done)  # Between the look and the deed.
        text = f"{count_of(len(done))} {self.done[len(done) != 1]}"
        if changed <= 0 and any(way for _, way in ways):
            text = f"{text}: {ways[0][1] if len(ways) == 1 else listed(ways)}"
        if changed > 0:
            left_out.append((changed, _MEANWHILE))
        return done, f"{text}. Left out: {listed(left_out)}." if left_out else f"{text}."

    def would(self, delivery_id: int, seen: Seen) -> tuple[bool, str]:
        """Whether it would act on this delivery, and how; or why not."""
        for _, _, code in self.foresee([delivery_id], seen):
            return code in self.is_done, self.is_done.get(code) or self.is_left_out.get(code, "")
        return False, "gone"


def _counted(codes: Counter[str], words: dict[str, str]) -> list[tuple[int, str]]:
    return [(codes[code], text) for code, text in words.items() if codes[code]]


def listed(counted: list[tuple[int, str]]) -> str:
    return "; ".join(f"{count:,} {way}" for count, way in counted)


def _resend(user: Any, ids: Sequence[int], seen: Seen) -> list[int]:
    made = resend(ids, since=seen.delivery)
    note(user, made, ADDITION, "Sent again.")
    return made


def _try_now(user: Any, ids: Sequence[int], seen: Seen) -> list[int]:
    tried = trying.try_now(ids, since=seen.attempt)
    note(user, tried, CHANGE, "Tried now.")
    return tried


def _cancel(user: Any, ids: Sequence[int], _seen: Seen) -> list[int]:
    ended = cancel(ids, f"Cancelled by {user.get_username()}.")
    note(user, ended, CHANGE, "Cancelled.")
    return ended


def _cancellable(ids: Sequence[int], _seen: Seen | None) -> list[tuple[int, int, str]]:
    rows = Delivery.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "postback_id", "state")
    return [(pk, postback, "goes" if state in Delivery.WAITING else "unfit") for pk, postback, state in rows]


RESEND: Final = BulkAction(
    name="resend",
    title="Resend",
    verb="will be sent again",
    done=("was resent", "were resent"),
    fits=Delivery.FINISHED,
    is_done=prospects.IS_SENT,
    is_left_out=prospects.IS_LEFT_OUT,
    consequence="Each becomes a new delivery, with the id that the receiver knows.",
    foresee=lambda ids, seen: prospects.prospects_of(ids, 0 if seen is None else seen.delivery),
    do=_resend,
)
TRY_NOW: Final = BulkAction(
    name="try-now",
    title="Try now",
    verb="will be tried now",
    done=("is tried now", "are tried now"),
    fits=(Delivery.State.READY,),
    is_done=trying.IS_TRIED,
    is_left_out=trying.IS_LEFT_OUT,
    consequence="They wait no longer for their retry or the Minimum Delay. Each try counts as an attempt.",
    foresee=lambda ids, seen: trying.prospects_of(ids, None if seen is None else seen.attempt),
    do=_try_now,
)
CANCEL: Final = BulkAction(
    name="cancel",
    title="Cancel",
    verb="will be cancelled",
    done=("was cancelled", "were cancelled"),
    fits=Delivery.WAITING,
    is_done={"goes": ""},
    is_left_out={"unfit": "finished, or being sent at this moment"},
    consequence="The receiver never gets these events; later events of the same actions no longer wait for them.",
    foresee=_cancellable,
    do=_cancel,
)
BULK_ACTIONS: Final = {bulk_action.name: bulk_action for bulk_action in (RESEND, TRY_NOW, CANCEL)}


def ids_in(text: str) -> list[int]:
    """Reads ids separated by commas; skips what is not an id, and anything after the first `MOST`."""
    ids = [pk for part in text.split(",") if (pk := read_id(part)) is not None]
    return ids[:MOST]


def count_of(number: int) -> str:
    return f"{number:,} {'delivery' if number == 1 else 'deliveries'}"
