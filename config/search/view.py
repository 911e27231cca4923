"""The page of the search, and the list in its dialog: both show the same."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from config.search.hits import Group
from config.search.pages import find_pages
from config.search.rows import FINDERS, LOG
from partners.offered import MOST_SEARCHED

_LIST_ONLY: Final = "list"  # A parameter of the address, which the dialog sends.


def search(request: HttpRequest) -> HttpResponse:
    """What was found for `q`, by groups: those in which a whole id or name was found come first."""
    term = request.GET.get("q", "").strip()
    too_long = len(term) > MOST_SEARCHED
    groups = [] if too_long or not term else found_for(request, term)
    context = {
        **admin.site.each_context(request),
        "title": "Search",
        "term": term,
        "too_long": too_long,
        "most": MOST_SEARCHED,
        "groups": groups,
        "log_url": reverse(LOG) if request.user.has_perm("postbacks.view_delivery") and not too_long else "",
    }
    template = "search/results.html" if _LIST_ONLY in request.GET else "search/page.html"
    return TemplateResponse(request, template, context)


def found_for(request: HttpRequest, term: str) -> list[Group]:
    """The groups that have something. Each shows only what the user may see."""
    groups = [find_pages(request, term), *(find(request, term) for find in FINDERS)]
    return sorted((group for group in groups if group.hits), key=lambda group: not group.exact)
