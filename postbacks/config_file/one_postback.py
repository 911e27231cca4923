"""One postback that comes alone, as the API takes it: with the keys, rules and messages of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Partner
from postbacks.config_file.changes import LoadResult, written_values
from postbacks.config_file.entries import Entry, read_entry
from postbacks.config_file.identity import Identity, entry_identity, identity, row_identity
from postbacks.config_file.keys import MEDIA_SOURCE, PARTNER, POSTBACK
from postbacks.config_file.plain import tree_of
from postbacks.config_file.problems import Place, Problem
from postbacks.config_file.saving import Saver
from postbacks.models import Postback

Owner = Partner | MediaSource
_ROOT = Place("", 1)


@dataclass(frozen=True, slots=True)
class Saved:
    """`postback` is None if there are problems. `outcome` holds what changed, notes and warnings."""

    postback: Postback | None
    problems: list[Problem]
    outcome: LoadResult


def postback_values(postback: Postback) -> dict[str, Any]:
    """All its values by key, as a file writes them; secret headers are masked."""
    found: dict[str, Any] = {}
    for key in POSTBACK.keys:
        values = [getattr(postback, name) for name in key.model_fields]
        # No body format is an empty text in the row, which is not among the choices.
        absent = values == [None] or (key.name == "body_format" and not values[0])
        found[key.name] = None if absent else key.write(*values)
    return found


def save_postback(
    given: Mapping[str, Any],
    owner: Owner,
    trackers: QuerySet[ActionTracker],
    *,
    before: Postback | None = None,
    dry_run: bool = False,
) -> Saved:
    """Creates a postback of `owner`, or changes `before`; what is not given then stays, and null means the default.

    `trackers` are the event types that it may be for. With `dry_run`, and if there are problems, nothing is written.
    """
    problems: list[Problem] = []
    stored = {} if before is None else written_values(POSTBACK, before)
    values = {name: value for name, value in {**stored, **given}.items() if name in given or value is not None}
    entry = read_entry(POSTBACK, tree_of(values, _ROOT, problems), _ROOT, problems)
    owner_field, owner_kind = ("partner", PARTNER) if isinstance(owner, Partner) else ("media_source", MEDIA_SOURCE)
    if before is None:
        entry.identity = entry_identity(entry, identity(owner_kind, owner.pk))
    else:
        entry.identity = row_identity(before)
    saver = Saver({}, problems, _rows(entry, trackers, before))
    with transaction.atomic():
        saved = saver.save_postback(entry, owner, owner_field)
        if dry_run or problems:
            transaction.set_rollback(True)
    return Saved(saved if not problems else None, problems, saver.outcome)


def _rows(entry: Entry, trackers: QuerySet[ActionTracker], before: Postback | None) -> dict[Identity, Model]:
    """What the entry may name: its event type, with in-app events, and the postback itself."""
    rows: list[Model] = [] if before is None else [before]
    tracker: int | None = entry.values.get("action_tracker_id")
    found = None if tracker is None else trackers.filter(pk=tracker).select_related("program").first()
    if found is not None:
        rows += [found, *found.in_app_events.select_related("action_tracker")]
    return {row_identity(row): row for row in rows}
