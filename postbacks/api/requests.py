"""What requests bring: a JSON object, and filters; whatever has no meaning is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from ninja import Schema

from actions.api.bodies import read_body
from actions.api.negotiation import JSON
from postbacks.api.refusals import RefusedError
from postbacks.config_file.problems import did_you_mean


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body; an empty body is an empty one. Raises RefusedError and BodyTooLargeError."""
    body = read_body(request)
    if not body.strip():
        return {}
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise RefusedError(415, f"Content-Type: {kind[:100]!r} cannot be read; send {JSON}.")
    try:
        value = _DECODER.decode(body.decode())
    except UnicodeDecodeError:
        raise RefusedError(400, "The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RefusedError(400, f"The body is not JSON: {error.msg} at {place}.") from None
    except (ValueError, RecursionError) as error:
        told = error if isinstance(error, _UnreadableError) else "a number or a nesting is too large"
        raise RefusedError(400, f"The body is not JSON that can be read: {told}.") from None
    if not isinstance(value, dict):
        raise RefusedError(400, "The body is JSON, but not an object.")
    if _HALVES.search(json.dumps(value, ensure_ascii=False, default=str)):
        raise RefusedError(400, "The body holds half of a character, such as \\ud800 alone. Send whole ones.")
    return value


def refuse_unknown(fields: Iterable[str], known: Iterable[str]) -> None:
    """Raises RefusedError if a field of the body is not one of these."""
    names = list(known)
    for name in fields:
        if name not in names:
            raise RefusedError(400, f"{name[:100]}: Unknown key. {did_you_mean(name[:100], names)}", name[:100])


def refuse_unknown_filters(request: HttpRequest, *filters: type[Schema]) -> None:
    """Raises RefusedError if the query holds a name that is not one of the filters, or one of them twice."""
    known = [name for each in filters for name in each.model_fields]
    for name, values in request.GET.lists():
        shown = name[:100]
        if name not in known:
            hint = did_you_mean(shown, known) if known else "This address takes none."
            raise RefusedError(400, f"{shown}: Unknown filter. {hint}", shown)
        if any("\0" in value for value in values):
            raise RefusedError(400, f"{shown}: It holds the character U+0000, which nothing stored does.", shown)
        if len(values) > 1:
            raise RefusedError(400, f"{shown}: It is given twice. Keep one.", shown)


_HALVES = re.compile("[\ud800-\udfff]")


class _UnreadableError(ValueError):
    """JSON of which a part has no meaning."""


def _refuse_constant(name: str) -> None:
    raise _UnreadableError(f"{name} is not a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _UnreadableError(f"{twice[:100]!r} is given twice")
    return found


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_once)
