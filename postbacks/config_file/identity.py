"""What tells that an entry of the file and a row of the database are the same thing.

Programs, event types, partners and media sources by their ids; the rest by whom they belong to and what tells them
apart there: a contract by program and start, a term by its event type and the day from which it is scheduled, a
postback by its name.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Model

from optimize_sources.models import MediaSource
from partners.models import (
    ActionTracker,
    CategoryPayout,
    Contract,
    ContractTerm,
    ExchangeRate,
    InAppEvent,
    Partner,
    Program,
)
from postbacks.config_file.entries import Entry
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
from postbacks.config_file.problems import Problem
from postbacks.models import Postback

Identity = tuple[Any, ...]
"""The kind's label, then what tells entries of the kind apart."""

# Model fields; of kinds without an id they count within the owner.
_TOLD_APART_BY = {
    EXCHANGE_RATE.label: ("date", "from_currency", "to_currency"),
    IN_APP_EVENT.label: ("code",),
    CONTRACT.label: ("program_id", "start"),
    CONTRACT_TERM.label: ("action_tracker_id", "start"),
    CATEGORY_PAYOUT.label: ("category",),
    POSTBACK.label: ("name",),
}


def identity(kind: EntryKind, *own: Any) -> Identity:
    return (kind.label, *own)


def entry_identity(entry: Entry, owner: Identity | None) -> Identity | None:
    """The identity of an entry below `owner` (empty at the top), or None where it cannot be told."""
    fields = _TOLD_APART_BY.get(entry.kind.label, ("id",))
    if not entry.broken.isdisjoint(fields):
        return None
    own = [entry.values[name] for name in fields]
    if fields == ("id",):
        return identity(entry.kind, *own)
    return None if owner is None else identity(entry.kind, *owner, *own)


def row_identity(row: Model) -> Identity:
    """The identity of a row; of what belongs to a contract, the contract must be loaded."""
    return _OF_ROW[type(row)](row)


_OF_ROW: dict[type[Model], Callable[[Any], Identity]] = {
    ExchangeRate: lambda row: identity(EXCHANGE_RATE, row.date, row.from_currency, row.to_currency),
    Program: lambda row: identity(PROGRAM, row.pk),
    ActionTracker: lambda row: identity(ACTION_TRACKER, row.pk),
    InAppEvent: lambda row: identity(IN_APP_EVENT, *identity(ACTION_TRACKER, row.action_tracker_id), row.code),
    Partner: lambda row: identity(PARTNER, row.pk),
    Contract: lambda row: identity(CONTRACT, *identity(PARTNER, row.partner_id), row.program_id, row.start),
    ContractTerm: lambda row: identity(CONTRACT_TERM, *row_identity(row.contract), row.action_tracker_id, row.start),
    CategoryPayout: lambda row: identity(CATEGORY_PAYOUT, *row_identity(row.contract_term), row.category),
    MediaSource: lambda row: identity(MEDIA_SOURCE, row.pk),
    Postback: lambda row: identity(
        POSTBACK,
        *(identity(PARTNER, row.partner_id) if row.partner_id else identity(MEDIA_SOURCE, row.media_source_id)),
        row.name,
    ),
}


def identify(document: Entry, problems: list[Problem]) -> dict[Identity, Entry]:
    """Every entry of a file by its identity. What stands twice is a problem."""
    found: dict[Identity, Entry] = {}
    for entry, key in _walk(document, ()):
        if key in found:
            message = f"This {entry.kind.label} stands twice: first in {found[key].place}. Keep one of them."
            problems.append(Problem(entry.place, message))
        else:
            found[key] = entry
    return found


def _walk(entry: Entry, owner: Identity | None) -> Iterator[tuple[Entry, Identity]]:
    for below in (each for entries in entry.lists.values() for each in entries):
        below.identity = entry_identity(below, owner)
        if below.identity is not None:
            yield below, below.identity
        yield from _walk(below, below.identity)
