"""`tell`: the one call by which operators are told of something."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Final, NamedTuple, TypedDict

from django.conf import settings

from notices.events import Event
from notices.models import Channel, Notice

MOST_CHARACTERS: Final = 500  # Of a title or a text; names are shorter.
# Marks that turn the direction of what follows: a name must not rearrange the sentence around it.
_TURNS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Told(TypedDict):
    """`path` is that of the page on which to act; `postback` and `program` are ids."""

    title: str
    text: str
    path: str
    postback: int | None
    program: int | None


class News(NamedTuple):
    """Something to tell. `key` names what happened, in at most 100 characters: told again, it does nothing.

    What belongs to no program is told to every channel that has chosen the event. What happened `at` a time before a
    channel was made, it is not told. Title and text hold neither secrets nor personal data; `path` is that of the page
    on which to act.
    """

    event: Event
    key: str
    title: str
    text: str
    path: str
    program: int | None = None
    postback: int | None = None
    at: datetime | None = None


def tell(*news: News, only: Channel | None = None) -> int:
    """Tells each active channel, or `only` this one, what it has chosen, within the transaction; it is sent in the
    next half minute. Returns how many notices that makes."""
    channels = [only] if only is not None else active_channels()
    rows = [
        Notice(channel=channel, event=each.event, key=each.key, content=_told(each))
        for each in news
        for channel in channels
        if wants(channel, each.event, each.program) and (each.at is None or each.at >= channel.created_at)
    ]
    known = set(Notice.objects.filter(key__in={row.key for row in rows}).values_list("channel_id", "key"))
    fresh = [row for row in rows if (row.channel_id, row.key) not in known]
    Notice.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def active_channels() -> list[Channel]:
    """That of the setting is silent while the setting is empty."""
    active = Channel.objects.filter(active=True)
    return list(active if settings.POSTBACKS_NOTICE_EMAILS else active.filter(from_settings=False))


def wants(channel: Channel, event: Event, program: int | None) -> bool:
    """Whether the channel has chosen this event, and this program if it is of one."""
    return event in channel.events and (
        program is None or channel.program_ids is None or program in channel.program_ids
    )


def _told(news: News) -> Told:
    return {
        "title": tidy(news.title),
        "text": tidy(news.text),
        "path": news.path,
        "postback": news.postback,
        "program": news.program,
    }


def tidy(text: str) -> str:
    """On one line, without what could rearrange it, and not too long."""
    kept = (" " if unicodedata.category(each) == "Cc" else each for each in text if each not in _TURNS)
    line = " ".join("".join(kept).split())
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"
