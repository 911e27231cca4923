"""What a form was opened with, so that saving it undoes nothing that somebody else has saved since.

A form carries an `Opened`: a digest of the values that it edits, and the number of the newest entry of the history
about the rows behind them. Whoever saves compares the digest with that of the rows as they are now, under their locks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from auditlog.models import LogEntry
from django import forms
from django.contrib.contenttypes.models import ContentType
from django.db.models import Max, Model, Q
from django.forms import BaseModelFormSet
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

FIELD = "opened_with"
"""The hidden field of the form."""
SAVE_OVER = "save_over"
"""The button that saves all the same; its value is the state that the user was shown."""
FORM_ID: Final = "form_id"
"""The hidden field by which a form that adds a row is known again; the history keeps it with the row."""
_SALT = "partners.opened_with"  # Keyed, so that nobody finds a value that the form does not show by trying.

SEEN = "seen"
"""The hidden field of a button: the moment, or the number, that stood on the page, by `seen_as`."""

Row = tuple[type[Model], str]


@dataclass(frozen=True, slots=True)
class Opened:
    """`digest` of the values, and `known`, the number of the newest entry of the history; 0 if there was none."""

    digest: str
    known: int

    def __str__(self) -> str:
        return f"{self.digest}.{self.known}"

    def same(self, other: Opened) -> bool:
        """Whether the form would show the same values."""
        return constant_time_compare(self.digest, other.digest)


@dataclass(frozen=True, slots=True)
class Conflict:
    """`rows` have changed since the entry `known` of the history; a form that `now` stands for would show that."""

    rows: tuple[Row, ...]
    known: int
    now: Opened


def read_opened(text: str) -> Opened | None:
    """Reads the hidden field. None if it is missing or not ours."""
    digest, dot, known = text.partition(".")
    plain = len(known) < 19 and known.isascii() and known.isdigit()  # As a bigint of the database.
    return Opened(digest, int(known)) if dot and plain else None


def opened(form: forms.BaseForm, formsets: Iterable[BaseModelFormSet[Any, Any]], rows: Iterable[Row]) -> Opened:
    """The state of an unbound form, which shows what is saved, and of the rows behind it."""
    values = [dict(_values(form)), *([dict(_values(each)) for each in rows_of.initial_forms] for rows_of in formsets)]
    text = json.dumps(values, default=_plain, sort_keys=True)
    return Opened(salted_hmac(_SALT, text, algorithm="sha256").hexdigest(), _newest_entry(rows))


def rows_behind(row: Model, formsets: Iterable[BaseModelFormSet[Any, Any]]) -> tuple[Row, ...]:
    """The row of a form, those in its tables, and those that were in its tables when it was opened."""
    rows: dict[Row, None] = {(type(row), str(row.pk)): None}
    for formset in formsets:
        model: Any = formset.model
        rows |= {(model, str(each.pk)): None for each in formset.get_queryset()}
        key = model._meta.pk.name  # noqa: SLF001 -- Django's documented interface
        posted = (formset.data.get(f"{formset.add_prefix(number)}-{key}", "") for number in _numbers(formset))
        rows |= {(model, each): None for each in posted if each.isascii() and each.isdigit()}
    return tuple(rows)


def seen_as(value: object) -> str:
    """How a button's hidden field holds what its page showed; empty for nothing."""
    return "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)


def is_stale(request: HttpRequest, value: object) -> bool:
    """Whether a button was on a page that showed something else than `value`. One that does not say is taken at its
    word."""
    return SEEN in request.POST and request.POST[SEEN] != seen_as(value)


def about(rows: Iterable[Row]) -> Q:
    """The entries of the history about these rows."""
    by_model: dict[type[Model], list[str]] = {}
    for model, key in rows:
        by_model.setdefault(model, []).append(key)
    found = Q(pk__in=[])
    for model, keys in by_model.items():
        found |= Q(content_type=ContentType.objects.get_for_model(model), object_pk__in=keys)
    return found


def _newest_entry(rows: Iterable[Row]) -> int:
    return LogEntry.objects.filter(about(rows)).aggregate(newest=Max("id"))["newest"] or 0


def _numbers(formset: BaseModelFormSet[Any, Any]) -> range:
    return range(formset.initial_form_count() if formset.is_bound else 0)


def _values(form: forms.BaseForm) -> Iterator[tuple[str, Any]]:
    """What the form edits, as it is saved; of fields that are none of the model's, what they show."""
    instance = getattr(form, "instance", None)
    options = instance._meta if instance is not None else None  # noqa: SLF001 -- as above
    of_model = {each.name: each for each in (*options.concrete_fields, *options.many_to_many)} if options else {}
    for name, field in form.fields.items():
        if field.disabled:
            continue
        yield name, of_model[name].value_from_object(instance) if name in of_model else form.initial.get(name)


def _plain(value: Any) -> Any:
    """What JSON does not know: rows are their keys."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, Iterable):
        return sorted((_plain(each) if isinstance(each, Model) else each for each in value), key=str)
    return str(value)
