"""The page of a postback's versions, and the one that a form is to restore."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from partners.ids import read_id
from postbacks.admin.integrations.owners import kind_of
from postbacks.admin.versions.reading import Version, differences, versions_of
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


def version_to_restore(request: HttpRequest, postback: Postback | None) -> Version | None:
    """The version that the form's address names; None for one that is sent, and if there is no such version."""
    if postback is None or request.method != "GET" or RESTORE not in request.GET:
        return None
    return _named(versions_of(postback), request.GET[RESTORE])


def _named(versions: list[Version], text: str) -> Version | None:
    key = read_id(text)
    return next((each for each in versions if each.key == key), None)
