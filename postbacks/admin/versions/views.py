"""The page of a postback's versions, and the one that a form is to restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from partners.ids import read_id
from partners.models import InAppEvent
from postbacks.admin.integrations.owners import event_types_for, kind_of
from postbacks.admin.versions.reading import Version, differences, values_of, versions_of
from postbacks.models import Postback

URL_NAME = "postbacks_postback_versions"
RESTORE = "version"
"""What names a version in the address of the form."""


def versions_view(request: HttpRequest, pk: int, model_admin: ModelAdmin[Any]) -> HttpResponse:
    """The versions; two that the address names side by side, by default the newest two."""
    postback = get_object_or_404(model_admin.get_queryset(request), pk=pk)
    if not model_admin.has_view_permission(request, postback):
        raise PermissionDenied
    versions = versions_of(postback)
    after = _named(versions, request.GET.get("after", "")) or (versions[0] if versions else None)
    before = _named(versions, request.GET.get("before", "")) or (
        versions[min(1, len(versions) - 1)] if versions else None
    )
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Versions",
        "subtitle": postback.name,
        "postback": postback,
        "owner": postback.owner,
        "owner_url": kind_of(postback.owner).url(postback.owner),
        "versions": versions,
        "before": before,
        "after": after,
        "differences": differences(before.texts, after.texts) if before and after else [],
        "may_restore": model_admin.has_change_permission(request, postback),
    }
    return TemplateResponse(request, "admin/postbacks/postback/versions.html", context)


@dataclass(frozen=True, slots=True)
class Restored:
    """A version in a form that is not saved yet: the values of its fields, and in words those that stay as they are."""

    version: Version
    values: Mapping[str, Any]
    lost: list[str]


def restored(request: HttpRequest, postback: Postback | None) -> Restored | None:
    """The version that the form's address names; None for a form that is sent, and if there is no such version."""
    if postback is None or request.method != "GET" or RESTORE not in request.GET:
        return None
    versions = versions_of(postback)
    version = _named(versions, request.GET[RESTORE])
    if version is None:
        return None
    trackers = {str(each): each.pk for each in event_types_for(postback.owner)}
    events = InAppEvent.objects.filter(action_tracker=trackers.get(version.texts.get("action_tracker", ""), 0))
    choices = {"action_tracker": trackers, "in_app_event": {str(each): each.pk for each in events}}
    return Restored(version, *values_of(version, versions[0].texts, choices))


def _named(versions: list[Version], text: str) -> Version | None:
    key = read_id(text)
    return next((each for each in versions if each.key == key), None)
