"""Turns what users type into a selection: ids or names, dates or times; suggests the nearest to a wrong name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from actions.models import Action, ActionEvent
from optimize_sources.models import MediaSource
from partners.ids import read_id, row_of
from partners.models import ActionTracker, Partner, Program
from postbacks.models import Postback
from postbacks.replay.selection import Selection

# Events that only mark the passing of time in an action's life fire no postback.
EVENT_KINDS = tuple(str(kind) for kind in ActionEvent.NON_STANDARD)
NEAREST = 3


class UnknownNameError(ValueError):
    """A name or value in the input is wrong; the text says which one, and what comes close."""


def selection_of(given: dict[str, Any]) -> Selection:
    """The selection for the options of `replay_actions`, or the fields of its form, by their names.

    Raises UnknownNameError.
    """
    to_postback = given.get("to_postback")
    if to_postback and (given.get("partner") or given.get("media_source") or given.get("postback")):
        raise UnknownNameError(
            "--to-postback already names the postback: leave out --partner, --media-source and --postback."
        )
    existing = Postback.objects.existing()
    return Selection(
        partners=_ids("--partner", given.get("partner"), Partner.objects.all()),
        media_sources=_ids("--media-source", given.get("media_source"), MediaSource.objects.all()),
        postbacks=_ids("--postback", given.get("postback"), existing),
        programs=_ids("--program", given.get("program"), Program.objects.all()),
        action_trackers=_ids("--action-tracker", given.get("action_tracker"), ActionTracker.objects.all()),
        actions=_actions(given.get("action") or ()),
        order_ids=_order_ids(given.get("order_id") or ()),
        event_kinds=_words("--event-kind", given.get("event_kind"), EVENT_KINDS, str.lower),
        statuses=_words("--status", given.get("status"), Action.Status.values, str.upper),
        since=_moment("--since", given.get("since"), whole_day=False),
        until=_moment("--until", given.get("until"), whole_day=True),
        failed_only=bool(given.get("failed_only")),
        never_delivered=bool(given.get("never_delivered")),
        to_postback=_ids("--to-postback", [to_postback], existing)[0] if to_postback else None,
    )


def described(given: dict[str, Any]) -> str:
    """The same as options on a command line."""
    parts = []
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            parts.append(option)
        elif value:
            parts += [f"{option} {each}" for each in (value if isinstance(value, list | tuple) else [value])]
    return " ".join(parts) or "everything"


def _ids(option: str, given: Sequence[str] | None, rows: QuerySet[Any]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(pk for text in given or () for pk in _found(option, str(text).strip(), rows)))


def _found(option: str, text: str, rows: QuerySet[Any]) -> list[int]:
    """Finds rows by id, or by name in any case. If several rows have the name, it means all of them."""
    pk = read_id(text)
    if pk is not None and rows.filter(pk=pk).exists():
        return [pk]
    found = list(rows.filter(name__iexact=text).order_by("pk").values_list("pk", flat=True))
    if not found:
        raise UnknownNameError(f"{option}: there is no {_noun(rows)} “{text}”. {_nearest(text, rows)}")
    return found


def _nearest(text: str, rows: QuerySet[Any]) -> str:
    names = {name.lower(): (pk, name) for pk, name in rows.values_list("pk", "name")}
    near = [names[key] for key in get_close_matches(text.lower(), names, n=NEAREST, cutoff=0.4)]
    if near:
        return "Did you mean " + " or ".join(f"{name} ({pk})" for pk, name in near) + "?"
    return f"None of the {len(names)} has a similar name." if names else "There are none."


def _noun(rows: QuerySet[Any]) -> str:
    model: type[Model] = rows.model
    return str(model._meta.verbose_name)  # noqa: SLF001 -- Django's documented interface


def _actions(given: Iterable[str]) -> tuple[int, ...]:
    found = []
    for text in given:
        action = row_of(Action.objects.all(), str(text).strip().rpartition(".")[2])
        if action is None or ("." in str(text) and action.action_id != str(text).strip()):
            raise UnknownNameError(f"--action: there is no action {text}. Ids look like 1000.2001.158133.")
        found.append(action.pk)
    return tuple(found)


def _order_ids(given: Iterable[str]) -> tuple[str, ...]:
    for text in given:
        if not Action.objects.filter(order_id=text).exists():
            raise UnknownNameError(f"--order-id: no action has the order id {text}. Upper and lower case differ.")
    return tuple(given)


def _words(option: str, given: Sequence[str] | None, known: Sequence[str], as_known: Any) -> tuple[str, ...]:
    words = tuple(as_known(word.strip()) for word in given or ())
    for word in words:
        if word not in known:
            raise UnknownNameError(f"{option}: {word} is unknown. Choose from {', '.join(known)}.")
    return words


def _moment(option: str, given: str | datetime | None, *, whole_day: bool) -> datetime | None:
    """A date means the whole day in the time zone of the settings; a time without an offset is in that zone too."""
    if not given:
        return None
    try:
        moment = given if isinstance(given, datetime) else _parsed(given, whole_day=whole_day)
    except ValueError as problem:
        raise UnknownNameError(f"{option}: {given} does not exist: {problem}.") from problem
    if moment is None:
        raise UnknownNameError(
            f"{option}: write {given} as 2026-11-24 or 2026-11-24T09:30 or 2026-11-24T09:30:00+01:00."
        )
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _parsed(text: str, *, whole_day: bool) -> datetime | None:
    day: date | None = parse_date(text.strip())
    if day is not None:
        return datetime.combine(day + timedelta(days=whole_day), time.min)
    return parse_datetime(text.strip())
