"""Who may see a page: whoever has opened a link, has proven it where it asks for that, and has the right for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt

from portal.models import PartnerLink, PortalSession
from portal.scope import Scope
from portal.sessions.session import TOKEN, find, form_token, is_own_form

READING: Final = ("GET", "HEAD")
DOING: Final = ("POST",)


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who has opened a link."""

    request: HttpRequest
    session: PortalSession
    scope: Scope

    @property
    def link(self) -> PartnerLink:
        return self.session.link

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        """A page of the portal: `template` is in the folder `portal`."""
        shared = {
            "link": self.link,
            "owner": self.scope.owner,
            "rights": self.link.rights,
            "token_name": TOKEN,
            "token": form_token(self.session),
            "done": DONE.get(self.request.GET.get("done", ""), ""),
        }
        return render(self.request, f"portal/{template}.html", shared | context, status=status)

    def nothing_here(self) -> HttpResponse:
        """The same answer for what does not exist and for what is another's."""
        return self.show("not_found", 404)


DONE: Final = {
    "resent": "It is sent again. This is the new delivery.",
    "left": "Nothing was sent: this was sent again already, or still waits to be sent.",
    "paused": "Paused. What happens meanwhile is collected, and sent when you resume.",
    "resumed": "Resumed. What was collected is sent now.",
    "changed": "Nothing was changed: somebody else has changed it meanwhile.",
    "proposed": "Proposed. Nothing changes until we have approved it.",
    "withdrawn": "Withdrawn.",
    "often": "Not done: this was asked for too often. Wait some minutes.",
}
"""What has been done before a page is shown, by the word in its address."""

View = Callable[..., HttpResponse]


def page(*methods: str, right: str = "", unproven: bool = False) -> Callable[[View], View]:
    """Makes a page of the portal of a view, which gets the `Visit` and what the address names.

    It answers these methods. Without the `right`, if it needs one, the answer is 403. A POST must come from a page of
    the same session. Only `unproven` ones are shown before the link is proven.
    """

    def decorate(view: View) -> View:
        @csrf_exempt  # A session has a token of its own, which needs no cookie: `is_own_form`.
        @wraps(view)
        def answer(request: HttpRequest, **named: Any) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            session = find(request)
            if session is None:
                return closed(request)
            if session.proven_at is None and not unproven:
                return redirect("portal:enter")
            visit = Visit(request, session, Scope(session.link))
            if request.method == "POST" and not is_own_form(request, session):
                return visit.show("refused", 403, why="form")
            if right and not visit.scope.may(right):
                return visit.show("refused", 403, why="right")
            request.auth = session.link  # type: ignore[attr-defined]  # Histories name it as the author.
            return view(visit, **named)

        return answer

    return decorate


def closed(request: HttpRequest, status: int = 403) -> HttpResponse:
    """Nobody has opened a link here, or it is over. The same for whatever reason: revoked, ended, never been."""
    return render(request, "portal/closed.html", {"framed": bool(settings.PORTAL_FRAME_ORIGINS)}, status=status)


@page(*READING, *DOING)
def nothing_here(visit: Visit, **_named: Any) -> HttpResponse:
    """Any other address of the portal."""
    return visit.nothing_here()
