"""What each postback made of the events of an action: fired, or not and why. By the rules of `postbacks.matching`,
with each postback as it was when the event was recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from actions.models import Action, ActionEvent
from optimize_sources.models import MediaSource
from partners.models import Partner
from postbacks.credentials.asking.fields import FIELDS
from postbacks.matching import Refusal, refusals
from postbacks.models import Delivery, Postback
from postbacks.why.changes import at, when_and_who
from postbacks.why.earlier import Earlier, what_changed

MOST_EVENTS: Final = 20  # The latest; an action has a handful.
MOST_POSTBACKS: Final = 100  # Of the event type, and as many of others.
MOST_ROWS: Final = 30  # That one event did not fire.
Owner: TypeAlias = Partner | MediaSource
_NOT_NEEDED = ("headers", "body_pairs", "body_raw", "success_response", "error_response", "secret_headers", *FIELDS)


@dataclass(frozen=True, slots=True)
class Unfired:
    """A postback that an event did not fire, and why; `today` is empty where today's set-up says the same.

    `sendable` says whether it may be sent all the same: it would tell its owner only what is the owner's. `codes` are
    the reasons without their words: rules of `postbacks.matching`, `added`, `deleted` or `no_record`; `event_trigger`
    is the one of that time.
    """

    postback: Postback
    reasons: list[str]
    today: str = ""
    sendable: bool = False
    codes: tuple[str, ...] = ()
    event_trigger: str = ""


@dataclass(slots=True)
class Answers:
    """By event the postbacks that it did not fire; `elsewhere` are those that are for other event types; `more` says
    whether there are others that were not looked at."""

    unfired: dict[int, list[Unfired]] = field(default_factory=dict)
    elsewhere: list[Postback] = field(default_factory=list)
    more: bool = False


def answers_of(
    action: Action, events: Iterable[ActionEvent], *, networks: bool, asked_for: Owner | None = None
) -> Answers:
    """About the latest of these events of an action with its partner and event type loaded.

    Looked at are the postbacks of the credited partner, then with `networks` those of all networks. A partner that is
    `asked_for` is looked at too; of networks only the one that is. In four queries, however many postbacks there are.
    """
    asked = sorted((each for each in events if each.kind in ActionEvent.NON_STANDARD), key=lambda each: each.number)
    asked = asked[-MOST_EVENTS:]
    answers = Answers()
    if not asked:
        return answers
    for event in asked:
        event.action = action
    whose = _whose(action, asked_for, networks=networks)
    postbacks = _postbacks(action, whose, answers, since=asked[0].recorded_at)
    fired = _fired(asked, postbacks)
    earlier = Earlier(postbacks, asked[0].recorded_at)
    elsewhere: dict[int, Postback] = {}
    for event in asked:
        rows = answers.unfired[event.pk] = []
        for postback in postbacks:
            if postback.pk in fired[event.pk]:
                continue
            then = earlier.at(postback, event.recorded_at)
            found = refusals(then, event)
            if (
                any(each.rule == "event_type" for each in found)
                and postback.action_tracker_id != action.action_tracker_id
            ):
                elsewhere[postback.pk] = postback
            elif len(rows) == MOST_ROWS:
                answers.more = True
            else:
                rows.append(_unfired(postback, then, event, found, earlier))
    answers.elsewhere = list(elsewhere.values())
    return answers


def _whose(action: Action, asked_for: Owner | None, *, networks: bool) -> Q:
    partners = {action.partner_id, asked_for.pk if isinstance(asked_for, Partner) else None} - {None}
    whose = Q(partner__in=partners)
    if networks:
        whose |= Q(media_source=asked_for) if isinstance(asked_for, MediaSource) else Q(media_source__isnull=False)
    return whose


def _postbacks(action: Action, whose: Q, answers: Answers, *, since: datetime) -> list[Postback]:
    there = Q(deleted_at__isnull=True) | Q(deleted_at__gt=since)
    rows = (
        Postback.objects.filter(whose, there)
        .defer(*_NOT_NEEDED)
        .order_by(F("media_source").asc(nulls_first=True), "name", "pk")
    )
    rows = rows.select_related("partner", "media_source", "action_tracker", "in_app_event")
    own = Q(action_tracker=action.action_tracker_id)
    return [*_some(rows.filter(own), answers), *_some(rows.exclude(own), answers)]


def _some(rows: QuerySet[Postback], answers: Answers) -> list[Postback]:
    found = list(rows[: MOST_POSTBACKS + 1])
    answers.more |= len(found) > MOST_POSTBACKS
    return found[:MOST_POSTBACKS]


def _fired(events: Sequence[ActionEvent], postbacks: Sequence[Postback]) -> dict[int, set[int]]:
    """By event the postbacks that have a delivery of it."""
    rows = Delivery.objects.filter(event__in=[event.pk for event in events]).order_by()
    fired: dict[int, set[int]] = defaultdict(set)
    for event, postback in rows.filter(postback__in=[each.pk for each in postbacks]).values_list("event", "postback"):
        fired[event].add(postback)
    return fired


def _unfired(postback: Postback, then: Postback, event: ActionEvent, found: list[Refusal], earlier: Earlier) -> Unfired:
    reasons = [each.text for each in found]
    codes = [each.rule for each in found]
    if postback.created_at > event.recorded_at:
        codes.insert(0, "added")
        reasons.insert(0, f"It was added on {at(postback.created_at)}, after this event.")
    elif then.deleted_at is not None:
        codes.insert(0, "deleted")
        reasons.insert(0, f"It had been deleted on {at(then.deleted_at)}.")
    return Unfired(
        postback,
        reasons or [_no_record(event)],
        _today(postback, event, found, earlier) if reasons else "",
        sendable=may_be_sent(postback, event),
        codes=tuple(codes or ["no_record"]),
        event_trigger=then.event_trigger,
    )


def may_be_sent(postback: Postback, event: ActionEvent) -> bool:
    """Whether the event may be sent to the postback although no rule fired it: its owner is told only of its own
    actions, and in the terms of the event type, which may hide parameters."""
    action = event.action
    return (
        postback.deleted_at is None
        and event.kind in ActionEvent.NON_STANDARD
        and postback.action_tracker_id == action.action_tracker_id
        and postback.partner_id in (None, action.partner_id)
    )


def _no_record(event: ActionEvent) -> str:
    days: int = settings.POSTBACKS_DELIVERIES_KEPT_DAYS
    if days and event.recorded_at < timezone.now() - timedelta(days=days):
        return f"It fired by the set-up of that time, but deliveries are kept {days} days only."
    return "By the set-up of that time it should have fired. No record tells why it did not."


def _today(postback: Postback, event: ActionEvent, then: list[Refusal], earlier: Earlier) -> str:
    """Where today's set-up says something else than that of the event's time."""
    if postback.deleted_at is not None:
        return "" if postback.deleted_at <= event.recorded_at else f"It was deleted on {at(postback.deleted_at)}."
    changes = earlier.changes_since(postback, event.recorded_at)
    now = refusals(postback, event)
    if not now and (changes or postback.created_at > event.recorded_at):
        since = f": changed {when_and_who(changes[0])} ({what_changed(changes[0])})" if then and changes else ""
        return f"Today it would fire{since}."
    if [each.rule for each in now] != [each.rule for each in then]:
        return f"Today it would not fire either: {' '.join(each.text for each in now)}"
    return ""
