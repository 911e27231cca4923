"""Proposing another URL, headers and secrets for a postback: with a preview and a test, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from portal.history import note
from portal.models import PartnerLink
from portal.pages.visit import DOING, READING, Visit, page
from portal.proposals.making import proposals_of, propose, withdraw
from portal.proposals.trying import Problems, WrongProposalError, tried
from portal.sessions import tries
from postbacks.credentials.secrets.headers import masked_lines, parse_lines
from postbacks.models import Postback
from postbacks.test_send import TestSend, send_once
from value_types.secret_text import MASK

_TYPED: Final = ("url", "headers", "secret_headers", "note")


@page(*READING, *DOING, right=PartnerLink.Right.PROPOSE)
def propose_change(visit: Visit, pk: int) -> HttpResponse:
    """Shows the form; by POST, the request that would be sent, what a test of it is answered, or keeps the proposal."""
    found = visit.scope.postbacks().filter(pk=pk).first()
    if found is None:
        return visit.nothing_here()
    if visit.request.method != "POST":
        return _show(visit, found, _stored(found))
    typed = {name: visit.request.POST.get(name, "").replace("\r\n", "\n").strip() for name in _TYPED}
    try:
        changes = _changes(typed)
        if "propose" in visit.request.POST:
            propose(visit.link, found, changes, note=typed["note"])
            return redirect(f"{reverse('portal:postback', args=(pk,))}?done=proposed#proposals")
        test_send, proposed = tried(found, changes)
    except WrongProposalError as error:
        return _show(visit, found, typed, problems=error.problems)
    context: dict[str, Any] = {"preview": test_send.as_json()["request"], "problems": _problems(test_send)}
    if "test" in visit.request.POST and visit.scope.may(PartnerLink.Right.TEST) and test_send.request is not None:
        if tries.TESTS.allows(visit.link.pk):
            context["answer"] = send_once(test_send.request, proposed)
            note(visit.link, found, "Sent a test of a change.")
        else:
            context["often"] = tries.TESTS.most
    return _show(visit, found, typed, **context)


@page(*DOING, right=PartnerLink.Right.PROPOSE)
def withdraw_proposal(visit: Visit, pk: int) -> HttpResponse:
    found = proposals_of(visit.scope).filter(pk=pk).first()
    if found is None or found.postback.deleted_at is not None:
        return visit.nothing_here()
    done = "withdrawn" if withdraw(found) else "changed"
    return redirect(f"{reverse('portal:postback', args=(found.postback_id,))}?done={done}#proposals")


def _show(visit: Visit, found: Postback, typed: Mapping[str, str], **context: Any) -> HttpResponse:
    problems: Problems = context.pop("problems", {})
    return visit.show("propose", here="home", postback=found, typed=typed, problems=problems, **context)


def _stored(found: Postback) -> dict[str, str]:
    secrets = masked_lines(found.secret_headers)
    return {"url": found.url, "headers": found.headers, "secret_headers": secrets, "note": ""}


def _changes(typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form says. Raises WrongProposalError."""
    try:
        lines = parse_lines(typed["secret_headers"])
    except ValueError as error:
        raise WrongProposalError({"secret_headers": [str(error)]}) from error
    secrets = {name: MASK if value is None else str(value) for name, value in lines}
    if len(secrets) < len(lines):
        raise WrongProposalError({"secret_headers": ["A name is given twice. Keep one."]})
    return {"url": typed["url"], "headers": typed["headers"], "secret_headers": secrets}


def _problems(test_send: TestSend) -> Problems:
    return {"url": [message for messages in test_send.errors.values() for message in messages]}
