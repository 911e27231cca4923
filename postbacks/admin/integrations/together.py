"""Pausing and resuming all postbacks of an owner at once, after a question that says how many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from postbacks.admin.integrations.owners import Owner, kind_of
from postbacks.lifecycle import PAUSED_TOGETHER, pause_together, resume
from postbacks.models import Postback


@dataclass(frozen=True, slots=True)
class Together:
    """What is done with all: `verb` for the button, `done` for the sentence afterwards, `consequence` for the
    question."""

    verb: str
    done: str
    consequence: str
    change: Callable[[Postback], None]


PAUSE: Final = Together(
    verb="pause",
    done="paused",
    consequence="Deliveries are collected, and go out when you resume.",
    change=pause_together,
)
RESUME: Final = Together(
    verb="resume",
    done="resumed",
    consequence="What was collected goes out at the allowed rate of each.",
    change=resume,
)


@dataclass(frozen=True, slots=True)
class Question:
    """`chosen` would change. `left` would not, though they are paused: they were before all were, or by the engine."""

    chosen: list[Postback]
    left: list[Postback]


def question(owner: Owner, what: Together) -> Question:
    """Which of the owner's postbacks are to be paused: the running ones. Which are to be resumed: those that were
    paused together; where there are none, those that a person has paused one by one. One query."""
    rows = list(kind_of(owner).postbacks(owner))
    paused = [each for each in rows if each.paused_at is not None]
    if what is PAUSE:
        return Question([each for each in rows if each.paused_at is None], [])
    chosen = [each for each in paused if each.pause_reason == PAUSED_TOGETHER]
    chosen = chosen or [each for each in paused if not each.pause_reason]
    return Question(chosen, [each for each in paused if each not in chosen])


@transaction.atomic
def carry_out(owner: Owner, what: Together) -> list[Postback]:
    """Does it, all or none; returns the postbacks that have changed. Each has its entry in the history."""
    # In order of their ids, and locked: two who press at once pause each once.
    list(kind_of(owner).postbacks(owner).order_by("pk").select_for_update(of=("self",)))
    chosen = question(owner, what).chosen
    for postback in chosen:
        what.change(postback)
    return chosen
