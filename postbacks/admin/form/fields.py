"""How users type the settings of a postback: durations, key-value pairs, text of several lines."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from postbacks.conditions.lines import read_lines, write_lines
from postbacks.credentials.asking.typed import is_token, typed_secret
from postbacks.credentials.secrets.headers import Typed, masked_lines, parse_lines
from postbacks.durations import format_duration, parse_duration
from value_types.secret_text import MASK, SecretText

Pairs = list[list[str]]


class DurationField(forms.CharField):
    """Seconds, typed as `90` or `90s 15m 2h 3d`."""

    def prepare_value(self, value: Any) -> Any:
        return format_duration(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        try:
            return parse_duration(super().to_python(value) or "")
        except ValueError as error:
            raise ValidationError(str(error)) from error


class LinesField(forms.CharField):
    """Text of several lines. Browsers send a carriage return with each line end; it is dropped."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class SecretHeadersField(LinesField):
    """`Name: value` lines; stored values are shown as a mask, which stands for them. Returns `Typed`s."""

    def prepare_value(self, value: Any) -> Any:
        return masked_lines(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[Typed]:
        try:
            return parse_lines(super().clean(value))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        before = masked_lines(initial) if isinstance(initial, list) else initial or ""
        return bool(before.split() != (data or "").split())


class SecretField(LinesField):
    """One secret of a postback, `name`; the stored one is shown as a mask, which stands for it.

    Returns None for the mask, else a `SecretText`.
    """

    def __init__(self, name: str, **options: Any) -> None:
        self.name = name
        super().__init__(required=False, strip=False, **options)

    def prepare_value(self, value: Any) -> Any:
        # What is stored is a token; what comes back with an error is not shown again either.
        return MASK if value and (value == MASK or is_token(value)) else ""

    def clean(self, value: Any) -> SecretText | None:
        try:
            return typed_secret(self.name, super().clean(value))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (data or "") != (MASK if initial else "")


class ConditionsField(forms.CharField):
    """Conditions, one a line, as `postbacks.conditions.lines` reads them. What they say is checked with the model."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return write_lines(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):  # The initial value, when Django checks whether anything changed.
            return value
        try:
            return read_lines(super().to_python(value) or "")
        except ValueError as error:
            raise ValidationError(str(error)) from error


class PairsField(forms.CharField):
    """Ordered [key, template] pairs, one `key = template` a line.

    A key that contains `=`, or begins or ends with white space, or begins with a quote, is written in double quotes as
    in JSON; a line that begins with a tab continues the template above it.
    """

    widget = forms.Textarea

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return format_pairs(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):  # The initial value, when Django checks whether anything changed.
            return value
        try:
            return parse_pairs(super().to_python(value) or "")
        except ValueError as error:
            raise ValidationError(str(error)) from error


def parse_pairs(text: str) -> Pairs:
    """Reads pairs and skips blank lines. Raises ValueError naming the first line that is not a pair."""
    pairs: Pairs = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if line.startswith("\t") and pairs:
            pairs[-1][1] += "\n" + line[1:]
        elif line.strip():
            pairs.append(_parse_pair(line, number))
    return pairs


def format_pairs(pairs: Pairs) -> str:
    """The text that `parse_pairs` reads back as these pairs."""
    return "\n".join(f"{_format_key(key)} = {template}".replace("\n", "\n\t") for key, template in pairs)


def _parse_pair(line: str, number: int) -> list[str]:
    key, rest = _quoted_key(line) if line.startswith('"') else (None, line)
    before, equals, template = rest.partition("=")
    if not equals or (key is not None and before.strip()):
        raise ValueError(f"Line {number} is not a `key = template` pair.")
    return [before.strip() if key is None else key, template.removeprefix(" ")]


def _quoted_key(line: str) -> tuple[str | None, str]:
    try:
        key, end = json.JSONDecoder().raw_decode(line)
    except json.JSONDecodeError:
        return None, line
    return key, line[end:]


def _format_key(key: str) -> str:
    plain = key and key == key.strip() and "=" not in key and "\n" not in key and not key.startswith('"')
    return key if plain else json.dumps(key, ensure_ascii=False)
