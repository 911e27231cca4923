"""The pages of partners and networks, with links to their postbacks."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from optimize_sources.admin import MediaSourceAdmin
from optimize_sources.models import MediaSource
from partners.admin import PartnerAdmin
from partners.admin_kit import ModelAdmin
from partners.models import Partner
from postbacks.admin.integrations.copying import copy_to
from postbacks.admin.integrations.owners import NETWORK, PARTNER, Owner, OwnerKind
from postbacks.admin.integrations.rows import rows_of
from postbacks.models import Postback

_PER_PAGE = 50
_SHOWN_SKIPPED = 20  # Nobody reads a thousand messages.


class CopyForm(forms.Form):
    """Which postbacks to copy, and to which owners."""

    postbacks = forms.ModelMultipleChoiceField(
        Postback.objects.none(), label="Postbacks", widget=forms.CheckboxSelectMultiple
    )
    owners: ClassVar[Any]

    def __init__(self, kind: OwnerKind, owner: Owner, *args: Any) -> None:
        super().__init__(*args)
        self.fields["postbacks"].queryset = kind.postbacks(owner)  # type: ignore[attr-defined]  # of a model choice
        self.initial["postbacks"] = [postback.pk for postback in kind.postbacks(owner)]
        others: Any = kind.model.objects.exclude(pk=owner.pk)
        self.fields["owners"] = forms.ModelMultipleChoiceField(
            others, label=f"To these {kind.noun}s", widget=UnfoldAdminSelect2MultipleWidget()
        )


class WithPostbacks(ModelAdmin):
    """The pages of owners; `kind` says of which kind."""

    kind: OwnerKind

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_copy_postbacks"
        return [path("<int:pk>/copy/", self.admin_site.admin_view(self.copy_view), name=name), *super().get_urls()]

    def postbacks_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        owner = self._owner(request, object_id)
        page = Paginator(self.kind.postbacks(owner), _PER_PAGE).get_page(request.GET.get("page"))
        return self._page(
            request,
            "list",
            title=self.kind.title,
            owner=owner,
            page=page,
            rows=rows_of(list(page)),
            add_url=self.kind.add_url(owner),
            may_add=request.user.has_perm("postbacks.add_postback"),
            may_change=request.user.has_perm("postbacks.change_postback"),
            lacks_contract=isinstance(owner, Partner) and not owner.contracts.filter(terms__isnull=False).exists(),
        )

    def has_see_postbacks_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 -- the theme passes it
        # Not named "postbacks.view_postback", which the theme would look up in the database whenever Django starts.
        return request.user.has_perm("postbacks.view_postback")

    def copy_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Shows the choices; by POST, copies."""
        if not request.user.has_perm("postbacks.add_postback"):
            raise PermissionDenied
        owner = self._owner(request, str(pk))
        form = CopyForm(self.kind, owner, request.POST or None)
        if request.method == "POST" and form.is_valid():
            copied = copy_to(form.cleaned_data["postbacks"], form.cleaned_data["owners"])
            for postback in copied.made:
                self.log_addition(request, postback, f"Copied from {owner}.")
            level = messages.SUCCESS if copied.made else messages.WARNING
            self.message_user(request, f"Copied: {len(copied.made)}. Left out: {len(copied.skipped)}.", level)
            for reason in copied.skipped[:_SHOWN_SKIPPED]:
                self.message_user(request, reason, messages.WARNING)
            return redirect(self.kind.url(owner))
        return self._page(request, "copy", title="Copy to…", owner=owner, form=form)

    def _owner(self, request: HttpRequest, object_id: str) -> Owner:
        owner: Owner | None = self.get_object(request, object_id)
        if not self.has_view_permission(request, owner) or not self.has_see_postbacks_permission(request):
            raise PermissionDenied
        if owner is None:
            raise Http404(f"There is no {self.kind.noun} {object_id}.")
        return owner

    def _page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        owner = context["owner"]
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "subtitle": owner.name,
            "kind": self.kind,
            "screen_url": self.kind.url(owner),
            "copy_url_name": f"admin:{self.opts.app_label}_{self.opts.model_name}_copy_postbacks",
            "media": self.media + context["form"].media if "form" in context else self.media,
        }
        return TemplateResponse(request, f"admin/postbacks/integrations/{name}.html", shared | context)


admin.site.unregister(Partner)
admin.site.unregister(MediaSource)


@admin.register(Partner)
class PartnerWithPostbacksAdmin(WithPostbacks, PartnerAdmin):
    kind = PARTNER
    actions_row = ("partner_integration",)
    actions_detail = ("partner_integration",)

    @action(  # type: ignore[untyped-decorator]  # the theme has no types
        description="Partner Integration",
        url_path="integration",
        icon="send",
        permissions=["view", "see_postbacks"],
    )
    def partner_integration(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.postbacks_view(request, object_id)


@admin.register(MediaSource)
class MediaSourceWithPostbacksAdmin(WithPostbacks, MediaSourceAdmin):
    kind = NETWORK
    actions_row = ("event_notifications",)
    actions_detail = ("event_notifications",)

    @action(  # type: ignore[untyped-decorator]  # the theme has no types
        description="Event Notifications",
        url_path="notifications",
        icon="send",
        permissions=["view", "see_postbacks"],
    )
    def event_notifications(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.postbacks_view(request, object_id)
