"""Translates what is pasted into the form of a postback; nothing is saved."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from postbacks.conversion.checked import Asked, ConversionError, convert, names

URL_NAME: Final = "postbacks_postback_convert"


@require_POST
def convert_view(request: HttpRequest, model_admin: ModelAdmin[Any]) -> JsonResponse:
    """Returns the translation of the URL `pasted` from the network `pasted_from`, or why there is none.

    Only users who may set up postbacks get it.
    """
    if not (model_admin.has_add_permission(request) or model_admin.has_change_permission(request)):
        raise PermissionDenied
    network = request.POST.get("pasted_from", "")
    if network and network not in names():
        return JsonResponse({"error": "Choose a network from the list."})
    try:
        answer = convert(Asked(request.POST.get("pasted", "")), network)
    except ConversionError as error:
        return JsonResponse({"error": str(error)})
    return JsonResponse(answer.as_json())
