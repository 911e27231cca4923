"""One postback: what is set up, how it is called, and what its owner may do with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from portal.history import note
from portal.models import PartnerLink, Proposal
from portal.pages.health import health_of
from portal.pages.picture import pictures_of
from portal.pages.visit import DOING, READING, Visit, page
from portal.proposals.making import proposals_of
from portal.proposals.telling import what_changes
from portal.sessions import tries
from postbacks.credentials.secrets.mask import shown
from postbacks.credentials.signing.keys import overlaps
from postbacks.credentials.signing.renewal import SigningError, renew
from postbacks.durations import format_duration
from postbacks.lifecycle import PAUSED_BY_OWNER, pause, resume
from postbacks.models import Postback
from postbacks.test_send import send_once, try_out
from postbacks.verdicts.words import words
from value_types.secret_text import MASK

_MOST_PROPOSALS: Final = 5  # On the page.
OVERLAP: Final = timedelta(hours=24)  # So long both keys sign, for the receiver to change over.


@page(*READING)
def postback(visit: Visit, pk: int) -> HttpResponse:
    found = visit.scope.postbacks().filter(pk=pk).first()
    return visit.nothing_here() if found is None else _show(visit, found)


@page(*DOING, right=PartnerLink.Right.TEST)
def test(visit: Visit, pk: int) -> HttpResponse:
    """Sends one request with sample values to the URL that is set up, and shows what came back."""
    found = visit.scope.postbacks().filter(pk=pk).first()
    if found is None:
        return visit.nothing_here()
    if not tries.TESTS.allows(visit.link.pk):
        return _go_to(pk, "often")
    # As it is stored: stored secrets go nowhere but where they were given for.
    tried = try_out(found, {}, "")
    if tried.request is None or tried.errors:
        return _show(visit, found, test_refused=True)
    answer = send_once(tried.request, found)
    note(visit.link, found, "Sent a test.")
    headers = "\n".join(f"{name}: {shown(value)}" for name, value in tried.request.headers.items())
    body = (tried.request.body or b"").decode("utf-8", "replace")
    return _show(visit, found, tested={"request": tried.request, "headers": headers, "body": body, "answer": answer})


@page(*DOING, right=PartnerLink.Right.PAUSE)
def pause_postback(visit: Visit, pk: int) -> HttpResponse:
    return _change(visit, pk, "paused")


@page(*DOING, right=PartnerLink.Right.PAUSE)
def resume_postback(visit: Visit, pk: int) -> HttpResponse:
    """Only what its owner has paused: what we have paused has a reason of ours."""
    return _change(visit, pk, "resumed")


@page(*DOING, right=PartnerLink.Right.ROTATE)
def renew_key(visit: Visit, pk: int) -> HttpResponse:
    """Makes a new signing key, which only this answer shows."""
    with transaction.atomic():
        found = visit.scope.postbacks().select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
        if found is None or not found.signed:
            return visit.nothing_here()
        if visit.request.POST.get("made_at") != _made_at(found):  # A form that is sent twice makes one key.
            return _go_to(pk, "changed")
        try:
            key = renew(found, OVERLAP)
        except SigningError:
            return _go_to(pk, "changed")
        note(visit.link, found, "Has a new signing key.")
    return _show(visit, found, key=key)


def _change(visit: Visit, pk: int, done: str) -> HttpResponse:
    with transaction.atomic():
        found = visit.scope.postbacks().select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
        if found is None:
            return visit.nothing_here()
        if done == "paused" and found.paused_at is None:
            pause(found, PAUSED_BY_OWNER)
        elif done == "resumed" and found.pause_reason == PAUSED_BY_OWNER:
            resume(found)
        else:
            done = "changed"
    return _go_to(pk, done)


def _go_to(pk: int, done: str) -> HttpResponse:
    return redirect(f"{reverse('portal:postback', args=(pk,))}?done={done}")


def _made_at(found: Postback) -> str:
    return found.signing_key_made_at.isoformat() if found.signing_key_made_at else ""


def _show(visit: Visit, found: Postback, **context: Any) -> HttpResponse:
    said = words(found.success_response, found.error_response)
    return visit.show(
        "postback",
        here="home",
        postback=found,
        health=health_of([found])[0],
        pictures=pictures_of([found.pk]),
        headers=found.headers.splitlines(),
        secret_headers=[(name, MASK) for name, _token in found.secret_headers],
        said=[said[name] for name in ("success_response", "error_response", "retry") if said.get(name)],
        delay=format_duration(found.minimum_delay_seconds) if found.minimum_delay_seconds else "",
        overlaps=overlaps(found),
        made_at=_made_at(found),
        now=timezone.now(),
        proposals=_proposals(visit, found),
        **context,
    )


def _proposals(visit: Visit, found: Postback) -> list[Proposal]:
    """The newest, with what each would change in words."""
    rows = list(proposals_of(visit.scope).filter(postback=found).order_by("-pk")[:_MOST_PROPOSALS])
    for each in rows:
        each.what = what_changes(each)  # type: ignore[attr-defined]  # for the page
    return rows
