"""Proposing another URL, headers and authentication for a postback: with a preview and a test, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from portal.history import note
from portal.models import PartnerLink
from portal.pages.visit import DOING, READING, Visit, page
from portal.proposals.fields import CHOICES
from portal.proposals.making import proposals_of, propose, withdraw
from portal.proposals.trying import Problems, WrongProposalError, tried
from portal.sessions import tries
from postbacks.credentials.asking import fields as asking
from postbacks.credentials.secrets.headers import masked_lines, parse_lines
from postbacks.models import Postback
from postbacks.test_send import TestSend, send_once
from value_types.secret_text import MASK

_TYPED: Final = ("url", "headers", "secret_headers", "note")
_AS_TYPED: Final = ("basic_password", "oauth_client_secret")  # Blanks at their ends belong to them.
_USUAL: Final = {name: getattr(Postback(), name) for name in asking.FIELDS}


@page(*READING, *DOING, right=PartnerLink.Right.PROPOSE)
def propose_change(visit: Visit, pk: int) -> HttpResponse:
    """Shows the form; by POST, the request that would be sent, what a test of it is answered, or keeps the proposal."""
    found = visit.scope.postbacks().filter(pk=pk).first()
    if found is None:
        return visit.nothing_here()
    if visit.request.method != "POST":
        return _show(visit, found, _stored(found))
    typed = _read(visit.request.POST)
    try:
        changes = _changes(typed)
        if "propose" in visit.request.POST:
            propose(visit.link, found, changes, note=typed["note"])
            return redirect(f"{reverse('portal:postback', args=(pk,))}?done=proposed#proposals")
        test_send, proposed = tried(found, changes)
    except WrongProposalError as error:
        return _show(visit, found, typed, problems=error.problems)
    context: dict[str, Any] = {
        "preview": test_send.as_json()["request"],
        "warnings": test_send.warnings,
        "problems": _problems(test_send),
    }
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
    typed = {**_stored(found), **typed}
    context |= {"choices": CHOICES, "unfolded": _unfolded(typed, problems)}
    return visit.show("propose", here="home", postback=found, typed=typed, problems=problems, **context)


def _read(posted: QueryDict) -> dict[str, str]:
    """What was typed. A form without the fields of authentication, of the previous release, says nothing of them."""
    names = [*_TYPED, *(name for name in asking.FIELDS if name in posted)]
    texts = {name: posted.get(name, "").replace("\r\n", "\n") for name in names}
    return {name: text if name in _AS_TYPED else text.strip() for name, text in texts.items()}


def _unfolded(typed: Mapping[str, str], problems: Problems) -> dict[str, bool]:
    """Which parts of the form are open: those in which something is set up, or wrong."""
    certificate = ("client_certificate", "client_key", "trusted_authorities")
    parts = {"authentication": [each for each in asking.FIELDS if each not in certificate], "certificate": certificate}
    return {
        part: any(typed[name] != _USUAL[name] or name in problems for name in names) for part, names in parts.items()
    }


def _stored(found: Postback) -> dict[str, str]:
    secrets = masked_lines(found.secret_headers)
    how: dict[str, str] = {name: str(getattr(found, name)) for name in asking.FIELDS}
    masked: dict[str, str] = {name: MASK if how[name] else "" for name in asking.SECRETS}
    return {"url": found.url, "headers": found.headers, "secret_headers": secrets, "note": "", **how, **masked}


def _changes(typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form says. Raises WrongProposalError."""
    try:
        lines = parse_lines(typed["secret_headers"])
    except ValueError as error:
        raise WrongProposalError({"secret_headers": [str(error)]}) from error
    secrets = {name: MASK if value is None else str(value) for name, value in lines}
    if len(secrets) < len(lines):
        raise WrongProposalError({"secret_headers": ["A name is given twice. Keep one."]})
    changes = {"url": typed["url"], "headers": typed["headers"], "secret_headers": secrets}
    changes |= {name: typed[name] for name in asking.FIELDS if name in typed}
    if "authentication" in typed:  # Another kind's fields are not on the screen.
        others = [names for kind, names in asking.OF_KIND.items() if kind != typed["authentication"]]
        changes |= {name: _USUAL[name] for names in others for name in names}
    return changes


def _problems(test_send: TestSend) -> Problems:
    return {"url": [message for messages in test_send.errors.values() for message in messages]}
