"""What the documented API tells of a page, beside its entries."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.http import HttpRequest

from actions.api.pages import Page


def envelope(request: HttpRequest, page: Page) -> dict[str, str]:
    """What the documented API tells of a page, beside its entries; absent addresses are empty."""
    start = (page.number - 1) * page.size
    return {
        "@page": str(page.number),
        "@numpages": str(page.numbers),
        "@pagesize": str(page.size),
        "@total": str(page.total),
        "@start": str(start),
        "@end": str(start + max(len(page.ids) - 1, 0)),
        "@uri": request.get_full_path(),
        "@firstpageuri": uri(request, Page=1),
        "@previouspageuri": uri(request, Page=page.number - 1) if page.number > 1 else "",
        "@nextpageuri": next_address(request, page),
        "@lastpageuri": uri(request, Page=page.numbers),
    }


def next_address(request: HttpRequest, page: Page) -> str:
    """The address of the next page; empty on the last."""
    return uri(request, Page=page.number + 1, PageKey=page.following) if page.following else ""


def uri(request: HttpRequest, **changed: object) -> str:
    """The address of the request with other parameters; those that name a page go."""
    dropped = {"page", "pagekey", *(name.casefold() for name in changed)}
    query = request.META.get("QUERY_STRING", "").encode("latin-1").decode()
    kept = [(name, value) for name, value in parse_qsl(query) if name.casefold() not in dropped]
    return f"{request.path}?{urlencode([*kept, *changed.items()])}"
