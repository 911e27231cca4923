"""A link is opened, and exchanged for a session at once; then it is proven, where it asks for that."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal import links
from portal.pages.visit import DOING, READING, Visit, closed, page
from portal.sessions import codes, session, tries
from portal.sessions.window import secret_of


@csrf_exempt
@require_http_methods([*READING])
def open_link(request: HttpRequest) -> HttpResponse:
    """Leads to the first page, at an address without the secret. A link may be opened any number of times: programs
    that look through mail open it too."""
    address = tries.address_of(request)
    if tries.LINKS.is_reached(address):
        return _too_often(request, tries.LINKS)
    link = links.find(secret_of(request))
    if link is None:
        tries.LINKS.allows(address)
        return closed(request)
    response = redirect("portal:home")
    if request.method == "GET":
        session.begin(request, response, link)
    return response


@page(*READING, *DOING, unproven=True)
def enter(visit: Visit) -> HttpResponse:
    """Asks for the password or the code of the link; by POST, takes it, or sends a code."""
    if visit.session.proven_at is not None:
        return redirect("portal:home")
    if visit.request.method != "POST":
        return _ask(visit)
    if "send" in visit.request.POST and visit.link.email:
        return _send(visit)
    address = tries.address_of(visit.request)
    for limit, whose in ((tries.PROOFS_FROM, address), (tries.PROOFS, visit.link.pk)):
        if not limit.allows(whose):  # Counted before it is known whether it is right.
            return _too_often(visit.request, limit)
    if not _is_right(visit, visit.request.POST.get("proof", "")):
        return _ask(visit, wrong=True)
    tries.PROOFS.forget(visit.link.pk)
    response = redirect("portal:home")
    session.prove(visit.request, response, visit.session)
    return response


@page(*DOING, unproven=True)
def leave(visit: Visit) -> HttpResponse:
    """Ends the session."""
    response = render(visit.request, "portal/closed.html", {"left": True})
    session.end(visit.request, response)
    return response


def _is_right(visit: Visit, typed: str) -> bool:
    if visit.link.password:
        return check_password(typed, visit.link.password)
    return codes.is_code(visit.session, typed[:100])


def _send(visit: Visit) -> HttpResponse:
    if not tries.CODES.allows(visit.link.pk):
        return _too_often(visit.request, tries.CODES)
    try:
        codes.send_code(visit.session)
    except OSError:
        return _ask(visit, unsent=True)
    return _ask(visit)


def _ask(visit: Visit, *, wrong: bool = False, unsent: bool = False) -> HttpResponse:
    sent = bool(visit.session.code_hash) and not unsent
    status = 403 if wrong else 200
    return visit.show("enter", status, wrong=wrong, unsent=unsent, sent=sent, to=_hint(visit.link.email))


def _hint(email: str) -> str:
    """The address of a link, so that its owner knows it and nobody else learns it."""
    name, _, host = email.partition("@")
    return f"{name[:1]}…@{host}" if host else ""


def _too_often(request: HttpRequest, limit: tries.Limit) -> HttpResponse:
    response = render(request, "portal/too_often.html", {"minutes": limit.minutes}, status=429)
    response.headers["Retry-After"] = str(limit.minutes * 60)
    return response
