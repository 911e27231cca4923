"""The versions of a postback, worked out from the history of its changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auditlog.diff import model_instance_diff
from auditlog.models import LogEntry
from django.core.exceptions import ValidationError
from django.db.models import Field, JSONField

from postbacks.conditions.lines import as_line
from postbacks.credentials.secrets.rotation import SECRET_FIELDS
from postbacks.models import Postback

MOST = 200  # Newest ones; older changes are in the history.
_SECRET = frozenset(SECRET_FIELDS)  # Dots in the history.
_NOTHING = frozenset({"", "None", "[]"})
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Version:
    """What a postback was after a change: `texts` by field, as the history writes them. `key` is that of the change."""

    key: int
    at: datetime
    by: str
    texts: Texts


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    before: str
    after: str


def versions_of(postback: Postback) -> list[Version]:
    """The versions, newest first. The newest is as the postback is now."""
    entries = LogEntry.objects.get_for_object(postback).order_by("-id")[:MOST]
    texts = dict(_texts_now(postback))
    found = []
    for entry in entries:
        by = str((entry.additional_data or {}).get("by", "unknown"))
        found.append(Version(entry.pk, entry.timestamp, by, dict(texts)))
        texts |= {name: values[0] for name, values in (entry.changes or {}).items() if isinstance(values, list)}
    return found


def differences(before: Texts, after: Texts) -> list[Difference]:
    """The fields that differ, by their names in words, sorted."""
    names = {**before, **after}
    found = [
        Difference(_label(name), _shown(name, before.get(name, "")), _shown(name, after.get(name, "")))
        for name in names
        if before.get(name, "") != after.get(name, "")
    ]
    return sorted((each for each in found if each.before != each.after), key=lambda each: each.name.lower())


def values_of(
    version: Version, now: Texts, choices: Mapping[str, Mapping[str, int]]
) -> tuple[dict[str, Any], list[str]]:
    """The values with which a form restores a version; and in words the fields that it cannot restore: secrets, of
    which the history keeps none, and rows that no longer go by the name that it keeps. `choices` has those that do."""
    values: dict[str, Any] = {}
    lost = []
    for name, text in version.texts.items():
        field: Any = Postback._meta.get_field(name)  # noqa: SLF001 -- Django's documented interface
        if name in _SECRET:
            lost += [name] if {text, now.get(name, "")} - _NOTHING else []
            continue
        if field.is_relation and text not in _NOTHING and text not in choices.get(name, {}):
            lost += [name] if text != now.get(name, "") else []
            continue
        try:
            values[name] = choices.get(name, {}).get(text) if field.is_relation else _value(field, text)
        except (ValueError, ValidationError):  # Written by another release.
            lost.append(name)
    return values, [_label(name) for name in lost]


def _value(field: Field[Any, Any], text: str) -> Any:
    if text == "None" and field.null:
        return None
    return json.loads(text) if isinstance(field, JSONField) else field.to_python(text)


def _texts_now(postback: Postback) -> Iterator[tuple[str, str]]:
    for name, values in (model_instance_diff(None, postback) or {}).items():
        field: Any = Postback._meta.get_field(name)  # noqa: SLF001 -- as above
        row = getattr(postback, name) if field.is_relation else None
        yield name, values[1] if row is None else str(row)


def _label(name: str) -> str:
    label = str(Postback._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # noqa: SLF001 -- as above
    return label[:1].upper() + label[1:]


def _shown(name: str, text: str) -> str:
    if text in ("None", ""):
        return ""
    field: Any = Postback._meta.get_field(name)  # noqa: SLF001 -- as above
    if isinstance(field, JSONField) and name not in _SECRET:
        return "\n".join(
            ": ".join(map(str, each)) if isinstance(each, list) else as_line(each) for each in json.loads(text)
        )
    return str(dict(field.flatchoices).get(text, text)) if field.choices else text
