"""Proposals that wait, for the dashboard."""

from __future__ import annotations

from typing import Any

from django import template

from portal.models import Proposal

register = template.Library()
SHOWN = 5


@register.inclusion_tag("admin/portal/proposal/waiting.html", takes_context=True)
def waiting_proposals(context: dict[str, Any]) -> dict[str, Any]:
    """The oldest of them, for users who may see proposals."""
    user = context["request"].user
    if not user.has_perm("portal.view_proposal"):
        return {}
    rows = Proposal.objects.filter(state=Proposal.State.WAITING).order_by("pk")
    if not user.has_perm("optimize_sources.view_mediasource"):
        rows = rows.filter(postback__media_source__isnull=True)
    count = rows.count()
    related = ("postback__partner", "postback__media_source", "link__partner", "link__media_source")
    return {"count": count, "waiting": rows.select_related(*related)[:SHOWN] if count else []}
