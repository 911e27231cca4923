"""Who resent or cancelled deliveries, in the admin's own log of what users do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from postbacks.models import Delivery

__all__ = ["ADDITION", "CHANGE", "entries_of", "note"]


def note(user: Any, ids: Iterable[int], flag: int, text: str) -> None:
    """Logs that the user did this to each of these deliveries, a thousand per statement."""
    kind = ContentType.objects.get_for_model(Delivery)
    LogEntry.objects.bulk_create(
        [
            LogEntry(
                user_id=user.pk,
                content_type=kind,
                object_id=str(pk),
                object_repr=f"Delivery {pk}",
                action_flag=flag,
                change_message=text,
            )
            for pk in ids
        ],
        batch_size=1000,
    )


def entries_of(delivery: Delivery) -> list[LogEntry]:
    """What users did to the delivery, and who, oldest first."""
    kind = ContentType.objects.get_for_model(Delivery)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(delivery.pk))
    return list(entries.select_related("user").order_by("action_time", "pk"))
