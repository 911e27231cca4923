"""What the addresses that are read have in common: the query, pages with their envelope, one thing by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from actions.api.answers import answer
from actions.api.authority import token_of
from actions.api.envelope import envelope
from actions.api.page_memory import PageMemory
from actions.api.pages import Order, Page, page_of
from actions.api.reading import Reader
from actions.api.rights import sees_personal

Show = Callable[[Sequence[int]], Iterator[dict[str, Any]]]


def query_of(request: HttpRequest) -> str:
    """The query as it came."""
    return str(request.META.get("QUERY_STRING", ""))


def account_base(account_sid: str) -> str:
    """Where the addresses of the account begin."""
    return reverse("conversion_api:list_actions", args=(account_sid,)).removesuffix("/Actions")


def reader_of(request: HttpRequest, account_sid: str) -> Reader:
    """What shows actions and updates to the token of this request."""
    return Reader(account_base(account_sid), sees_personal(token_of(request)))


def listed(
    request: HttpRequest,
    name: str,
    rows: QuerySet[Any],
    order: Order,
    *,
    wanted: Mapping[str, Any],
    show: Show,
    following: Callable[[Page], str] | None = None,
) -> HttpResponse:
    """The page of these rows that is wanted, under `name` and in the documented envelope.

    `show` makes what is shown of rows from their ids; `following` the address of what comes after the page, where that
    is more than the next page.
    """
    memory = PageMemory.of(token_of(request).pk, request.path_info, dict(wanted))
    page = page_of(rows, order, wanted, memory)
    head = envelope(request, page)
    after = following(page) if following else head["@nextpageuri"]
    return answer(request, {**head, name: show(page.ids), "NextPageUri": after})
