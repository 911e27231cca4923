"""What was done through a link, among all changes: by the name of the link, since there is no user."""

from __future__ import annotations

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from portal.models import PartnerLink


def note(link: PartnerLink, row: Model, text: str) -> None:
    """Records that somebody who has opened the link did this to the row."""
    LogEntry.objects.bulk_create(  # Not one by one: signals would give it another author.
        [
            LogEntry(
                content_type=ContentType.objects.get_for_model(row),
                object_id=row.pk,
                object_pk=str(row.pk),
                object_repr=str(row),
                action=LogEntry.Action.UPDATE,
                changes={},
                additional_data={"by": link.author, "text": text},
            )
        ]
    )
