"""Copies postbacks of one owner to others of its kind, if they fit there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import transaction

from postbacks.admin.integrations.owners import Owner, kind_of
from postbacks.credentials.signing.keys import FIELDS as SIGNING_FIELDS
from postbacks.models import Postback

_NOT_COPIED = {"id", "partner", "media_source", "paused_at", "pause_reason", "deleted_at", "created_at", "updated_at"}
_NOT_COPIED |= set(SIGNING_FIELDS)  # Each receiver has its own key.


@dataclass(slots=True)
class Copied:
    """The new postbacks, and a sentence for each that does not fit."""

    made: list[Postback] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def copy_to(postbacks: Iterable[Postback], owners: Iterable[Owner]) -> Copied:
    """Copies each postback to each owner, with the checks of a form; what these refuse is skipped."""
    copied = Copied()
    sources = list(postbacks)
    for owner in owners:
        for source in sources:
            copy = _unsaved_copy(source, owner)
            try:
                with transaction.atomic():
                    copy.full_clean()
                    copy.save()
            except ValidationError as error:
                copied.skipped.append(f"{owner.name}: “{source.name}” does not fit. {' '.join(error.messages)}")
            else:
                copied.made.append(copy)
    return copied


def _unsaved_copy(source: Postback, owner: Owner) -> Postback:
    fields = [each for each in source._meta.concrete_fields if each.name not in _NOT_COPIED]  # noqa: SLF001 -- Django's documented interface
    values = {each.attname: getattr(source, each.attname) for each in fields}
    return Postback(**values, **{kind_of(owner).field: owner})
