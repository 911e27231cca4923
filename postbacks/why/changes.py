"""What the history of changes says of rows since some moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet
from django.utils import timezone


def changes_of(model: type[Model], ids: Iterable[int]) -> QuerySet[LogEntry]:
    """The entries about these rows, the latest first."""
    kind = ContentType.objects.get_for_model(model)
    rows: QuerySet[LogEntry] = LogEntry.objects.filter(content_type=kind, object_id__in=list(ids))
    return rows.order_by("-timestamp", "-pk")


def latest_change(
    model: type[Model], ids: Iterable[int], fields: Collection[str], since: datetime | None = None
) -> LogEntry | None:
    """The latest entry that made one of the rows, or changed one of these fields."""
    rows = changes_of(model, ids).filter(changes__has_any_keys=list(fields))
    return (rows if since is None else rows.filter(timestamp__gt=since)).first()


def when_and_who(entry: LogEntry) -> str:
    """Such as `on 2026-11-20 14:05 by anna`."""
    by = (entry.additional_data or {}).get("by")
    return f"on {at(entry.timestamp)}" + (f" by {by}" if by else "")


def at(moment: datetime) -> str:
    """The moment in the reader's time zone."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"
