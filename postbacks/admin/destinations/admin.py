"""The Held screen."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from partners.admin_kit import LargeTable, ShownOnly
from postbacks.admin.destinations.release import release
from postbacks.admin.destinations.rows import rows_of, stopped
from postbacks.models import Lane, Postback

_OPTIMIZE = "optimize_sources.view_mediasource"
_PER_PAGE = 50


@admin.register(Lane)
class LaneAdmin(ShownOnly, LargeTable):
    def has_release_permission(self, request: HttpRequest) -> bool:
        """The same permission as for resuming a paused postback."""
        return request.user.has_perm("postbacks.change_postback")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        rows: QuerySet[Lane] = super().get_queryset(request)
        return rows if request.user.has_perm(_OPTIMIZE) else rows.filter(postback__media_source__isnull=True)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.release_view))
        return [path("<int:pk>/release/", view, name="postbacks_lane_release"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        page = Paginator(stopped(networks=request.user.has_perm(_OPTIMIZE)), _PER_PAGE).get_page(
            request.GET.get("page")
        )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Held destinations",
            "page": page,
            "rows": rows_of(list(page)),
            "may_release": self.has_release_permission(request),
        }
        return TemplateResponse(request, "admin/postbacks/destinations/list.html", context)

    def release_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_release_permission(request):
            raise PermissionDenied
        lane = get_object_or_404(self.get_queryset(request).select_related("postback"), pk=pk)
        postback: Postback = lane.postback
        if release(postback):
            self.log_change(request, postback, "Released.")
            text = f"{postback} is released: waiting deliveries go out at its allowed rate."
            self.message_user(request, text, messages.SUCCESS)
        else:
            self.message_user(request, f"{postback} was no longer held.", messages.WARNING)
        return redirect("admin:postbacks_lane_changelist")
