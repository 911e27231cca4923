"""Who resent or cancelled deliveries: users in the admin's own log of what they do, tokens among all changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry as Change
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from actions.models import ApiToken
from postbacks.models import Delivery

__all__ = ["ADDITION", "CHANGE", "Entry", "entries_of", "note", "note_by", "note_by_token"]


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


def note_by_token(token: ApiToken, ids: Iterable[int], flag: int, text: str) -> None:
    """Records the same of a token, which is not a user: among all changes."""
    note_by(token.author, ids, flag, text)


def note_by(author: str, ids: Iterable[int], flag: int, text: str) -> None:
    """The same of any author that is no user, such as a command."""
    kind = ContentType.objects.get_for_model(Delivery)
    done = Change.Action.CREATE if flag == ADDITION else Change.Action.UPDATE
    Change.objects.bulk_create(
        [
            Change(
                content_type=kind,
                object_id=pk,
                object_pk=str(pk),
                object_repr=f"Delivery {pk}",
                action=done,
                changes={},
                additional_data={"by": author, "text": text},
            )
            for pk in ids
        ]
    )


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    by: str
    text: str


def entries_of(delivery: Delivery) -> list[Entry]:
    """What users and tokens did to the delivery, and who, oldest first."""
    kind = ContentType.objects.get_for_model(Delivery)
    by_users = LogEntry.objects.filter(content_type=kind, object_id=str(delivery.pk)).select_related("user")
    by_tokens = Change.objects.filter(content_type=kind, object_id=delivery.pk)
    entries = [Entry(each.action_time, str(each.user), each.change_message) for each in by_users]
    for each in by_tokens:
        said = each.additional_data or {}
        entries.append(Entry(each.timestamp, said.get("by", ""), said.get("text", "")))
    return sorted(entries, key=lambda entry: entry.at)
