"""Deletes what a configuration file does not name, unless something refers to it."""

from collections.abc import Mapping

from django.db.models import Exists, Model, OuterRef, Q

from partners.references import what_refers_to
from postbacks.config_file.changes import Change, LoadResult, subject
from postbacks.config_file.identity import Identity
from postbacks.config_file.keys import (
    ACTION_TRACKER,
    CATEGORY_PAYOUT,
    CONTRACT,
    CONTRACT_TERM,
    EXCHANGE_RATE,
    IN_APP_EVENT,
    MEDIA_SOURCE,
    PARTNER,
    POSTBACK,
    PROGRAM,
    EntryKind,
)
from postbacks.lifecycle import delete_postback
from postbacks.models import Delivery, Postback

Rows = dict[Identity, Model]


def prune_contracts(rows: Rows, named: Mapping[Identity, object], outcome: LoadResult) -> None:
    """Deletes the contracts and contract terms of `rows` that are not in `named`."""
    for kind in (CATEGORY_PAYOUT, CONTRACT_TERM, CONTRACT):
        _prune_kind(kind, rows, named, outcome)


def prune_rest(rows: Rows, named: Mapping[Identity, object], outcome: LoadResult) -> None:
    """Deletes the rest of `rows` that is not in `named`: what refers to others first."""
    for key, row in _unnamed(POSTBACK, rows, named).items():
        if isinstance(row, Postback):
            cancelled = delete_postback(row)
            details = (f"waiting deliveries cancelled: {cancelled}",) if cancelled else ()
            outcome.changes.append(Change("-", subject(POSTBACK.label, row), details))
            del rows[key]
    for kind in (IN_APP_EVENT, ACTION_TRACKER, PARTNER, MEDIA_SOURCE, PROGRAM, EXCHANGE_RATE):
        _prune_kind(kind, rows, named, outcome)


def _prune_kind(kind: EntryKind, rows: Rows, named: Mapping[Identity, object], outcome: LoadResult) -> None:
    for key, row in _unnamed(kind, rows, named).items():
        what = subject(kind.label, row)
        _purge_deleted_postbacks(kind, row)
        if users := what_refers_to(row):
            outcome.notes.append(f"Kept {what}: it is used by {', '.join(users)}.")
            continue
        row.delete()
        outcome.changes.append(Change("-", what))
        del rows[key]


def _unnamed(kind: EntryKind, rows: Rows, named: Mapping[Identity, object]) -> Rows:
    return {key: row for key, row in rows.items() if key[0] == kind.label and key not in named}


def _purge_deleted_postbacks(kind: EntryKind, row: Model) -> None:
    """Removes rows of deleted postbacks that no delivery needs: otherwise they would keep an unused partner or event
    type for no visible reason. It reads all deliveries, which is fine for this rare call."""
    field = _POSTBACK_FIELDS.get(kind.label)
    if field is not None:
        deliveries = Delivery.objects.filter(postback=OuterRef("pk"))
        Postback.objects.filter(Q((field, row)), ~Exists(deliveries), deleted_at__isnull=False).delete()


_POSTBACK_FIELDS = {
    IN_APP_EVENT.label: "in_app_event",
    ACTION_TRACKER.label: "action_tracker",
    PARTNER.label: "partner",
    MEDIA_SOURCE.label: "media_source",
}
