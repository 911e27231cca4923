"""The list and the page of links."""

# Django names the arguments of what it calls back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from partners.admin_kit import ModelAdmin
from portal import links
from portal.admin.form import PartnerLinkForm
from portal.models import PartnerLink
from portal.tokens import make_token, take_token

_OPTIMIZE = "optimize_sources.view_mediasource"


@admin.register(PartnerLink)
class PartnerLinkAdmin(ModelAdmin):
    form = PartnerLinkForm
    list_display = ("name", "whose", "may", "state", "ends_at", "opened_at")
    list_select_related = ("partner", "media_source")
    search_fields = ("name", "partner__name", "media_source__name")
    autocomplete_fields = ("partner", "media_source")
    readonly_fields = ("whose", "asks_for", "state", "created_at", "created_by", "opened_at")
    actions = ("revoke_links",)
    change_form_outer_after_template = "admin/portal/partnerlink/token.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PartnerLink]:
        """Networks belong to Optimize, which has its own permission."""
        rows: QuerySet[PartnerLink] = super().get_queryset(request)
        return rows if request.user.has_perm(_OPTIMIZE) else rows.filter(media_source__isnull=True)

    def get_fieldsets(self, request: HttpRequest, obj: PartnerLink | None = None) -> Any:
        """Whose it is and what it asks for is settled when it is made."""
        allows: tuple[str, ...] = ("rights", "personal_data", "ends_at")
        if obj is not None:
            kept = ("state", "asks_for", "created_at", "created_by", "opened_at")
            return [
                (None, {"fields": ("name", "whose")}),
                ("What it allows", {"fields": allows}),
                (None, {"fields": kept}),
            ]
        whose = ("partner", "media_source") if request.user.has_perm(_OPTIMIZE) else ("partner",)
        return [
            (None, {"fields": ("name", *whose)}),
            ("What it allows", {"fields": allows}),
            ("What it asks for", {"fields": ("new_password", "email")}),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: PartnerLink | None = None) -> bool:
        return False  # Histories name it; a revoked one does no harm.

    def save_model(self, request: HttpRequest, obj: PartnerLink, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        user: Any = request.user
        obj.created_by = user
        secret = links.make(obj, password=form.cleaned_data.get("new_password", ""))
        address = links.address_of(secret, settings.PUBLIC_URL or request.build_absolute_uri("/"))
        messages.success(
            request,
            format_html(
                "The link is <code>{}</code>. Copy it now: it is not shown again, only its hash is kept.", str(address)
            ),
        )

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With the token of the link: there is one only while the link is in force."""
        link = self.get_object(request, object_id) if object_id else None
        context = dict(extra_context or {})
        if isinstance(link, PartnerLink) and state_of(link) == "Valid":
            context |= {"token_of": link, "may_change_token": self.has_change_permission(request, link)}
        return super().changeform_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        make, take = (view(require_POST(each)) for each in (self.make_token_view, self.take_token_view))
        own = [
            path("<int:pk>/make-token/", make, name="portal_partnerlink_make_token"),
            path("<int:pk>/take-token/", take, name="portal_partnerlink_take_token"),
        ]
        return own + super().get_urls()

    def make_token_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """In place of the one before. It is shown by this answer's message, and never again."""
        link = self._link(request, pk)
        if state_of(link) != "Valid":
            self.message_user(request, f"No token was made: {link} is not in force.", messages.ERROR)
            return redirect("admin:portal_partnerlink_change", pk)
        token = make_token(link)
        self.log_change(request, link, "Has a new token for the partner API.")
        text = "The token is <code>{}</code>. Copy it now: it is not shown again, only its hash is kept."
        messages.success(request, format_html(text, str(token)))
        return redirect("admin:portal_partnerlink_change", pk)

    def take_token_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        link = self._link(request, pk)
        take_token(link)
        self.log_change(request, link, "Its token for the partner API was withdrawn.")
        self.message_user(request, "The token is withdrawn: programs that use it are refused from now on.")
        return redirect("admin:portal_partnerlink_change", pk)

    def _link(self, request: HttpRequest, pk: int) -> PartnerLink:
        link: PartnerLink = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_change_permission(request, link):
            raise PermissionDenied
        return link

    @admin.display(description="Of")
    def whose(self, link: PartnerLink) -> str:
        return link.owner.name if link.pk else "-"

    @admin.display(description="Allows")
    def may(self, link: PartnerLink) -> str:
        return ", ".join(link.rights) or "reading"

    @admin.display(description="Asks for")
    def asks_for(self, link: PartnerLink) -> str:
        if link.password:
            return "A password"
        return f"A code that is sent to {link.email}" if link.email else "Nothing"

    @admin.display(description="State")
    def state(self, link: PartnerLink) -> str:
        return state_of(link)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke_links(self, request: HttpRequest, chosen: QuerySet[PartnerLink]) -> None:
        count = 0
        for link in chosen.filter(revoked_at=None):
            links.revoke(link)
            self.log_change(request, link, "Revoked.")
            count += 1
        messages.success(request, f"{count} revoked. Anybody who has opened one sees nothing more.")


def state_of(link: PartnerLink) -> str:
    """Whether it is in force, in a word."""
    if link.revoked_at is not None:
        return "Revoked"
    return "Valid" if link.ends_at > timezone.now() else "Ended"
