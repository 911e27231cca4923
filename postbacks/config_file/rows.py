"""Rows that take the values of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Model

from postbacks.credentials.signing.renewal import ensure_key, remove_keys
from postbacks.models import Postback

Row = TypeVar("Row", bound=Model)


def new_row(model: type[Row], values: Mapping[str, Any]) -> Row:
    """An unsaved row with these values, by model field."""
    row = model()
    take_values(row, values)
    return row


def take_values(row: Model, values: Mapping[str, Any]) -> None:
    """Sets these values of a row, by model field, without saving it. A file says whether a postback is signed, never
    with which key: one that becomes signed without having a key gets one."""
    for name, value in values.items():
        if name == "signed" and isinstance(row, Postback):
            (ensure_key if value else remove_keys)(row)
        else:
            setattr(row, name, value)
