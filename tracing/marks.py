"""Marks: the text of a `traceparent` header (W3C Trace Context, version 00). Pure, but for the random ids."""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

LONGEST = 55
HEADER = "traceparent"

_MARK = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
# Of later versions only what this one has is read, as the specification asks.
_LATER = re.compile(r"(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.ASCII)
_SAMPLED = 1


class Place(NamedTuple):
    """A span: the ids of its trace and of itself, and whether it is recorded."""

    trace_id: int
    span_id: int
    sampled: bool


def mark_of(place: Place) -> str:
    """The text for a span."""
    return f"00-{place.trace_id:032x}-{place.span_id:016x}-{int(place.sampled):02x}"


def read(text: str) -> Place | None:
    """The span that a text names; None if it is none."""
    found = _MARK.fullmatch(text) or _LATER.fullmatch(text)
    if found is None:
        return None
    place = Place(int(found[1], 16), int(found[2], 16), bool(int(found[3], 16) & _SAMPLED))
    return place if place.trace_id and place.span_id else None


def child_of(mark: str) -> str:
    """The mark of a span below this one, with a new id."""
    return f"{mark[:36]}{secrets.randbits(64) or 1:016x}{mark[52:]}"
