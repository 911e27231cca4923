"""Entries of the history as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.admin.models import LogEntry as Message
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, DateTimeField, JSONField, Model

from partners.local_times import shown
from partners.opened_with import Conflict, about
from postbacks.conditions.lines import as_line

MOST = 500  # Entries on one page; older ones are only in the database.
_DONE = {LogEntry.Action.CREATE: "Added", LogEntry.Action.UPDATE: "Changed", LogEntry.Action.DELETE: "Deleted"}

# Time fields that stand for an action of a user: when set, and when cleared.
_MOMENTS = {
    "paused_at": ("Paused", "Resumed"),
    "revoked_at": ("Revoked", "Changed"),
    "deleted_at": ("Deleted", "Changed"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A field with its value before and after, as text; empty if there was none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What was done, and to which row if that is not plain."""

    at: datetime
    by: str
    what: str
    changes: list[Change] = field(default_factory=list)
    row: str = ""


def history_of(row: Model) -> list[Entry]:
    """What was done to this row, newest first, including what the admin's own log says about it."""
    entries = [_entry(each) for each in LogEntry.objects.get_for_object(row).select_related("actor")[:MOST]]
    return sorted([*entries, *_messages(row)], key=lambda each: each.at, reverse=True)[:MOST]


def changed_since(conflict: Conflict) -> list[Entry]:
    """What was done to the rows of a form since it was opened, newest first."""
    found = LogEntry.objects.filter(about(conflict.rows), pk__gt=conflict.known).select_related("content_type")
    return [
        replace(_entry(each), row=f"{each.content_type.name} {each.object_repr}")
        for each in found.order_by("-id")[:MOST]
    ]


def _entry(entry: LogEntry) -> Entry:
    return Entry(entry.timestamp, who_did(entry), what_was_done(entry), changes_of(entry))


def changes_of(entry: LogEntry) -> list[Change]:
    """The changed fields, sorted by name. Those that were empty before and after are left out."""
    model = entry.content_type.model_class()
    changes = (_change(model, name, values) for name, values in (entry.changes or {}).items())
    return sorted((each for each in changes if each.before or each.after), key=lambda each: each.name.lower())


def what_was_done(entry: LogEntry) -> str:
    """What was done, in a word; a time field that was set or cleared gives a more precise one, and who has noted a
    sentence is taken at their word."""
    said = (entry.additional_data or {}).get("text")
    if said:
        return str(said)
    done = _DONE.get(entry.action, "Changed")
    if done == "Changed":
        for name, (was_set, was_emptied) in _MOMENTS.items():
            if name in (entry.changes or {}):
                return was_emptied if entry.changes[name][1] == "None" else was_set
    return done


def who_did(entry: LogEntry) -> str:
    return str((entry.additional_data or {}).get("by", "unknown"))


def _change(model: type[Model] | None, name: str, values: Any) -> Change:
    try:
        described: Any = model._meta.get_field(name) if model else None  # noqa: SLF001 -- Django's documented interface
    except FieldDoesNotExist:  # It has been removed since.
        described = None
    label = str(getattr(described, "verbose_name", name.replace("_", " ")))
    label = label[:1].upper() + label[1:]
    if isinstance(values, dict):  # Rows added to, or removed from, a many-to-many field.
        rows = ", ".join(map(str, values.get("objects", ())))
        return Change(label, "", rows) if values.get("operation") == "add" else Change(label, rows, "")
    before, after = (_text(described, str(value)) for value in values)
    return Change(label, before, after)


def _text(described: Any, value: str) -> str:
    if value in ("None", ""):
        return ""
    if isinstance(described, BooleanField):
        return {"True": "yes", "False": "no"}.get(value, value)
    if isinstance(described, DateTimeField):
        return _moment(value)
    if isinstance(described, JSONField):
        return _lines(value)
    return str(dict(described.flatchoices).get(value, value)) if getattr(described, "choices", None) else value


def _moment(value: str) -> str:
    """auditlog stores times in UTC, without an offset."""
    try:
        return shown(datetime.fromisoformat(value).replace(tzinfo=UTC))
    except ValueError:
        return value


def _lines(value: str) -> str:
    """Pairs of a body, names, or conditions, one per line."""
    try:
        rows = json.loads(value)
    except ValueError:
        return value
    if not isinstance(rows, list):
        return value
    return "\n".join(": ".join(map(str, row)) if isinstance(row, list) else as_line(row) for row in rows)


def _messages(row: Model) -> Iterator[Entry]:
    """Messages from the admin's own log, such as where a postback was copied from."""
    key = {"content_type__app_label": row._meta.app_label, "content_type__model": row._meta.model_name}  # noqa: SLF001 -- as above
    rows = Message.objects.filter(object_id=str(row.pk), **key).exclude(change_message="").select_related("user")
    for message in rows.exclude(change_message__startswith="[")[:MOST]:
        yield Entry(message.action_time, message.user.get_username(), message.change_message.rstrip("."))
