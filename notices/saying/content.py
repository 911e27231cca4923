"""What a message says, whatever the channel: stored with it, so that each try says the same. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypedDict

from django.conf import settings

from notices.events import Event
from notices.pages import DASHBOARD
from notices.telling import Told, tidy

SHOWN: Final = 10  # In a message to people; the pages have the others.
MOST_IN_WEBHOOK: Final = 100


class Item(TypedDict):
    """One of several things that a message tells."""

    title: str
    text: str
    path: str


class Entry(TypedDict):
    """One notice as a webhook carries it."""

    event: str
    at: str
    title: str
    text: str
    path: str
    postback: int | None
    program: int | None


class Content(TypedDict):
    """`kind` is notices, digest or test. `lines` are sentences; `path` is the page on which to act."""

    kind: str
    title: str
    lines: list[str]
    items: list[Item]
    path: str
    counts: dict[str, int]
    entries: list[Entry]


Said = tuple[str, datetime, Told]
"""Event, time and content of a notice."""


def of_notices(notices: Sequence[Said]) -> Content:
    """Of one notice as it is; of several a summary with the first of them."""
    entries: list[Entry] = [{"event": event, "at": at.isoformat(), **told} for event, at, told in notices]
    counts = dict(Counter(entry["event"] for entry in entries))
    first = entries[0]
    content: Content = {
        "kind": "notices",
        "title": first["title"],
        "lines": [first["text"]],
        "items": [],
        "path": first["path"],
        "counts": counts,
        "entries": entries[:MOST_IN_WEBHOOK],
    }
    if len(entries) > 1:
        told = ", ".join(f"{Event(event).label} {number:,}" for event, number in counts.items())
        content["title"] = f"{len(entries):,} notices: {told}"
        more = len(entries) - SHOWN
        content["lines"] = [f"The first {SHOWN} of them, and {more:,} more on the screens."] if more > 0 else []
        content["items"] = [
            {"title": entry["title"], "text": entry["text"], "path": entry["path"]} for entry in entries[:SHOWN]
        ]
        content["path"] = DASHBOARD
    return content


def of_test(name: str) -> Content:
    """What the Test button sends."""
    return {
        "kind": "test",
        "title": f"Test of the channel “{tidy(name)}”",
        "lines": ["Somebody has pressed Send test in Partner Postbacks. Notices will come here like this."],
        "items": [],
        "path": DASHBOARD,
        "counts": {},
        "entries": [],
    }


def link(path: str) -> str:
    """The address of one of our pages; empty where PUBLIC_URL does not say where they are."""
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL and path else ""
