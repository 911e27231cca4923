"""How a postback was set up when a request was built: as it is now, and as its history says it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from postbacks.admin.versions.reading import Texts, versions_of
from postbacks.models import Postback
from postbacks.request.building import RequestTemplate
from postbacks.validation import are_pairs

_MOST: Final = 3  # Versions that are tried: a worker may still have had the one before.


def set_ups_of(postback: Postback, at: datetime) -> Iterator[RequestTemplate]:
    """What decides over the request, without secrets: as it is now, then as it was at that moment and before."""
    yield RequestTemplate(
        method=postback.method,
        url=postback.url,
        headers=postback.headers,
        body_format=postback.body_format,
        pairs=_pairs(postback.body_pairs),
        body_raw=postback.body_raw,
    )
    earlier = [version for version in versions_of(postback) if version.at <= at]
    for version in earlier[:_MOST]:
        yield _read(version.texts)


def _read(texts: Texts) -> RequestTemplate:
    return RequestTemplate(
        method=texts.get("method", "GET"),
        url=texts.get("url", ""),
        headers=_text(texts, "headers"),
        body_format=_text(texts, "body_format"),
        pairs=_pairs(_json(texts.get("body_pairs", "[]"))),
        body_raw=_text(texts, "body_raw"),
    )


def _text(texts: Texts, name: str) -> str:
    """The history writes None for what had not been there."""
    found = texts.get(name, "")
    return "" if found == "None" else found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return []


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((key, template) for key, template in value) if are_pairs(value) else ()
