"""How programs read lists of the conversion API: each as some that are in use do, down to their habits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

Get = Callable[[str], dict[str, Any]]
"""Reads a path below the account's address, or an address that a page has given; the content of the answer."""

WINDOW = timedelta(days=45)


def by_number(get: Get, path: str, name: str) -> Iterator[dict[str, Any]]:
    """From page 1 to the last one, as the first page tells it."""
    number, pages = 1, 1
    while number <= pages:
        page = get(f"{path}&Page={number}")
        pages = int(page["@numpages"]) if number == 1 else pages
        yield from page[name]
        number += 1


def by_next_address(get: Get, path: str, name: str) -> Iterator[dict[str, Any]]:
    """From one `@nextpageuri` to the next."""
    while path:
        page = get(path)
        yield from page[name]
        path = page["@nextpageuri"]


def until_a_short_page(get: Get, path: str, name: str) -> Iterator[dict[str, Any]]:
    """Page after page, up to one that is not full."""
    number, full = 1, True
    while full:
        page = get(f"{path}&Page={number}")
        yield from page[name]
        full = len(page[name]) == int(page["@pagesize"])
        number += 1


def by_next_page_uri(get: Get, path: str, name: str) -> Iterator[dict[str, Any]]:
    """From one `NextPageUri` to the next, up to a page without entries or without it."""
    while path:
        page = get(path)
        yield from page[name]
        path = page["NextPageUri"] if page[name] else ""


def by_windows(
    get: Get, name: str, span: tuple[str, str], *, since: datetime, until: datetime
) -> Iterator[dict[str, Any]]:
    """As the Singer tap: program by program, in windows that share their edges, and only where there is a total."""
    for campaign in by_next_address(get, "Campaigns?PageSize=20000", "Campaigns"):
        start = since
        while start < until:
            end = min(start + WINDOW, until)
            edges = {span[0]: f"{start:%Y-%m-%dT%H:%M:%SZ}", span[1]: f"{end:%Y-%m-%dT%H:%M:%SZ}"}
            path = f"{name}?{urlencode({'PageSize': 20000, 'CampaignId': campaign['Id'], **edges}, safe=':')}"
            while path:
                page = get(path)
                path = page["@nextpageuri"]
                if int(page["@total"]) == 0 and not path:
                    break
                yield from page[name]
            start = end


READERS = (by_number, by_next_address, until_a_short_page, by_next_page_uri)
