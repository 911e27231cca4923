"""The first page: the postbacks and how they are, and the last day and week."""

from __future__ import annotations

from django.http import HttpResponse

from portal.pages.health import health_of, worst_first
from portal.pages.picture import pictures_of
from portal.pages.visit import READING, Visit, page

_MOST = 200  # Postbacks on one page; partners have a handful.


@page(*READING)
def home(visit: Visit) -> HttpResponse:
    postbacks = list(visit.scope.postbacks()[: _MOST + 1])
    shown = postbacks[:_MOST]
    return visit.show(
        "home",
        here="home",
        healths=worst_first(health_of(shown)),
        more=len(postbacks) > _MOST,
        pictures=pictures_of(list(visit.scope.every_postback)),
    )
