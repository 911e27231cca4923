"""The two requests that the form makes while it is filled in: what would be sent, and send it once."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from actions.models import Action
from partners.admin_kit import may_see_personal
from partners.ids import row_of
from partners.models import Partner
from postbacks.admin.integrations.owners import Owner
from postbacks.admin.test_send.typed import typed_postback
from postbacks.models import Postback
from postbacks.preview import action_named
from postbacks.request.template.offers import Offer, offers
from postbacks.test_send import ACTION, TestSend, send_once, try_out

_OFFERED_ACTIONS = 10
_OPTIMIZE = "optimize_sources.view_mediasource"


@require_POST
def preview_view(request: HttpRequest, model_admin: ModelAdmin[Any]) -> JsonResponse:
    """Returns the request and its errors, to users who may set up postbacks."""
    return JsonResponse(_test_send(request, model_admin)[0].as_json())


@require_POST
def test_view(request: HttpRequest, model_admin: ModelAdmin[Any]) -> JsonResponse:
    """Sends the request once, unless it has errors."""
    test_send, postback = _test_send(request, model_admin)
    if test_send.request is None or test_send.errors:
        return JsonResponse(test_send.as_json())
    return JsonResponse({**test_send.as_json(), "answer": send_once(test_send.request, postback)})


@cache
def shown_palette() -> list[Offer]:
    """The palette, which stays the same while the program runs."""
    return offers()


def _saved(request: HttpRequest, model_admin: ModelAdmin[Any]) -> Postback | None:
    """The postback that is being changed. None for a new one, and if the user may not change it."""
    saved: Postback | None = row_of(model_admin.get_queryset(request), request.POST.get("test_send_postback", ""))
    return saved if saved is not None and model_admin.has_change_permission(request, saved) else None


def may_name_actions(request: HttpRequest) -> bool:
    """Whether the user may see actions and their personal values."""
    return request.user.has_perm("actions.view_action") and may_see_personal(request)


def recent_actions(request: HttpRequest, owner: Owner | None) -> list[Action]:
    """What a preview is offered to show: the newest actions of the partner; of a network's owner, of all."""
    if owner is None or not may_name_actions(request):
        return []
    actions = Action.objects.select_related("action_tracker").order_by("-id")
    return list((actions.filter(partner=owner) if isinstance(owner, Partner) else actions)[:_OFFERED_ACTIONS])


def _test_send(request: HttpRequest, model_admin: ModelAdmin[Any]) -> tuple[TestSend, Postback]:
    if not (model_admin.has_add_permission(request) or model_admin.has_change_permission(request)):
        raise PermissionDenied
    postback, errors = typed_postback(request.POST, _saved(request, model_admin))
    if postback.media_source is not None and not request.user.has_perm(_OPTIMIZE):
        raise PermissionDenied
    action_id = request.POST.get(ACTION, "").strip()
    if action_id and not may_name_actions(request):
        raise PermissionDenied
    return try_out(postback, errors, action_named(postback, action_id)), postback
