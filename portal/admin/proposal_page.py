"""The page of one proposal: what the postback sends, what it would send, and what an operator can do."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from partners.opened_with import Conflict, read_opened
from portal.models import Proposal
from portal.proposals.differences import differences, new_values, other_receivers
from portal.proposals.fields import unsealed
from portal.proposals.standing import changed_since, standing_of
from portal.proposals.trying import WrongProposalError, tried
from postbacks.admin.integrations.owners import kind_of
from postbacks.admin.test_send.views import may_name_actions, recent_actions
from postbacks.credentials.secrets.cipher import SecretUnreadableError
from postbacks.models import Postback
from postbacks.preview import action_named
from postbacks.test_send import ACTION, TestSend, send_once, try_out

TEMPLATE = "admin/portal/proposal/page.html"
ACTION_NAME = "action"
"""What names the action whose values are used, in the page's address."""


def page(
    model_admin: Any,
    request: HttpRequest,
    proposal: Proposal,
    *,
    conflict: Conflict | None = None,
    send: bool = False,
    reason: str = "",
) -> TemplateResponse:
    """With `conflict`, the postback has changed while the page was open; with `send`, the proposed request is sent."""
    postback = Postback.objects.select_related("partner", "media_source", "action_tracker", "lane").get(
        pk=proposal.postback_id
    )
    waits = proposal.state == Proposal.State.WAITING
    may_decide = model_admin.may_decide(request)
    action = _action(request, postback)
    context = {
        **_shared(model_admin, request, proposal, postback),
        "conflict": conflict,
        "reason": reason,
        "waits": waits,
        "may_decide": may_decide and waits,
        "may_name_actions": may_name_actions(request),
        "recent_actions": recent_actions(request, postback.owner) if waits else [],
        "action": action,
    }
    if waits:
        then = read_opened(proposal.made_against)
        context |= {
            "current": try_out(postback, {}, action),
            "opened_with": standing_of(postback),
            "since_proposed": changed_since(postback, then) if then is not None and conflict is None else None,
            **_proposed(postback, proposal, action, send=send and may_decide),
        }
    return TemplateResponse(request, TEMPLATE, context)


def _shared(
    model_admin: ModelAdmin[Any], request: HttpRequest, proposal: Proposal, postback: Postback
) -> dict[str, Any]:
    return {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "original": proposal,
        "title": str(proposal),
        "subtitle": None,
        "proposal": proposal,
        "postback": postback,
        "owner": postback.owner,
        "owner_url": kind_of(postback.owner).url(postback.owner),
        "differences": differences(postback, proposal, timezone.now()),
        "other_receivers": other_receivers(postback, proposal),
    }


def _proposed(postback: Postback, proposal: Proposal, action: str, *, send: bool) -> dict[str, Any]:
    """The request that would go out with what is known of it, or why it cannot be saved; and the answer to a test."""
    try:
        test_send, proposed = tried(postback, unsealed(proposal), action)
        sample, _ = tried(postback, unsealed(proposal))  # A receiver that nobody has approved gets no real values.
    except (WrongProposalError, SecretUnreadableError) as error:
        return {"unsavable": str(error)}
    found: dict[str, Any] = {"proposed": test_send, "new_values": new_values(postback, proposed)}
    if send and sample.request is not None and not sample.errors:
        found["answer"] = send_once(sample.request, proposed)
    return found


def _action(request: HttpRequest, postback: Postback) -> str:
    """The action whose values are shown: the one that the user names, else the newest of this event type, if the user
    may see actions. Empty for sample values."""
    if not may_name_actions(request):
        return ""
    given = request.POST if request.method == "POST" else request.GET
    if ACTION_NAME in given:
        return action_named(postback, given[ACTION_NAME].strip()[:100])
    for each in recent_actions(request, postback.owner):
        test_send: TestSend | None = None
        if each.action_tracker_id == postback.action_tracker_id:
            test_send = try_out(postback, {}, each.action_id)
        if test_send is not None and ACTION not in test_send.errors:
            return each.action_id
    return ""
