"""The pages of partners and networks, with links to their postbacks."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from optimize_sources.admin import MediaSourceAdmin
from optimize_sources.models import MediaSource
from partners.admin import PartnerAdmin
from partners.admin_kit import ModelAdmin
from partners.models import Partner
from postbacks.admin.integrations.contracts import Told, contracts_of
from postbacks.admin.integrations.copying import copy_to
from postbacks.admin.integrations.figures import states_of
from postbacks.admin.integrations.health import health_of
from postbacks.admin.integrations.latest import latest_actions, latest_deliveries
from postbacks.admin.integrations.lists import (
    LeadsHome,
    NetworksOfProgram,
    OwnersByState,
    PartnersOfProgram,
    ShowsFigures,
    figures_of,
)
from postbacks.admin.integrations.owners import NETWORK, PARTNER, Owner, OwnerKind
from postbacks.admin.integrations.rows import rows_of
from postbacks.admin.integrations.sections import sections_of
from postbacks.admin.integrations.together import PAUSE, RESUME, Together, carry_out, question
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


class WithPostbacks(ShowsFigures, ModelAdmin):
    """The pages of owners; `kind` says of which kind."""

    kind: OwnerKind

    def get_urls(self) -> list[URLPattern]:
        name, view = f"{self.opts.app_label}_{self.opts.model_name}", self.admin_site.admin_view
        own = [
            path("<int:pk>/copy/", view(self.copy_view), name=f"{name}_copy_postbacks"),
            path("<int:pk>/pause-all/", view(self.together_view), {"what": PAUSE}, name=f"{name}_pause_all"),
            path("<int:pk>/resume-all/", view(self.together_view), {"what": RESUME}, name=f"{name}_resume_all"),
        ]
        return own + super().get_urls()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return LeadsHome if self.has_see_postbacks_permission(request) else super().get_changelist(request, **kwargs)

    @admin.display(description="All at once")
    def at_once(self, owner: Owner) -> SafeString | str:
        """Pause all, where any runs; else resume all."""
        figures = figures_of(owner)
        if not figures.states:
            return ""
        verb = "pause" if figures.running else "resume"
        return format_html(
            '<a class="pp-button pp-small" href="{}">{} all<span class="pp-unseen"> of {}</span></a>',
            self.kind.together_url(owner, verb),
            verb.capitalize(),
            owner.name,
        )

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without what needs the permission to see or change postbacks."""
        shown = super().get_list_display(request)
        hidden = {"states", "sent", "success"} if not self.has_see_postbacks_permission(request) else set()
        if not request.user.has_perm("postbacks.change_postback"):
            hidden |= {"at_once"}
        return tuple(name for name in shown if name not in hidden)

    def postbacks_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The owner's own page."""
        owner = self._owner(request, object_id)
        postbacks = list(self.kind.postbacks(owner))
        page = Paginator(postbacks, _PER_PAGE).get_page(request.GET.get("page"))
        contracts = contracts_of(owner) if request.user.has_perm("partners.view_contract") else None
        sees_actions = request.user.has_perm("actions.view_action")
        sees_deliveries = request.user.has_perm("postbacks.view_delivery")
        networks = request.user.has_perm("optimize_sources.view_mediasource")
        return self._page(
            request,
            "list",
            title=owner.name,
            owner=owner,
            page=page,
            rows=rows_of(list(page)),
            health=health_of(states_of(postbacks)),
            contracts=contracts,
            deliveries=latest_deliveries(owner, networks=networks) if sees_deliveries else None,
            actions=latest_actions(owner) if isinstance(owner, Partner) and sees_actions else None,
            sections=sections_of(request, owner),
            add_url=self.kind.add_url(owner),
            may_add=request.user.has_perm("postbacks.add_postback"),
            may_change=request.user.has_perm("postbacks.change_postback"),
            may_edit=self.has_change_permission(request, owner),
            running=sum(each.paused_at is None for each in postbacks),
            paused=sum(each.paused_at is not None for each in postbacks),
            lacks_contract=isinstance(owner, Partner) and not _has_a_term(owner, contracts),
        )

    def together_view(self, request: HttpRequest, pk: int, what: Together) -> HttpResponse:
        """Asks whether to pause or resume all; by POST, does it."""
        if not request.user.has_perm("postbacks.change_postback"):
            raise PermissionDenied
        owner = self._owner(request, str(pk))
        if request.method == "POST":
            changed = carry_out(owner, what)
            for postback in changed:
                self.log_change(request, postback, f"Was {what.done}, with all of {owner}.")
            level = messages.SUCCESS if changed else messages.WARNING
            count = len(changed)
            told = f"{count} postback{'' if count == 1 else 's'} {what.done}. {what.consequence if count else ''}"
            self.message_user(request, told.rstrip(), level)
            return redirect(self.kind.url(owner))
        asked = question(owner, what)
        title = f"{what.verb.capitalize()} all"
        return self._page(request, "together", title=title, owner=owner, what=what, question=asked)

    def response_post_save_add(self, request: HttpRequest, obj: Owner) -> HttpResponseRedirect:
        return self._home(request, obj) or super().response_post_save_add(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Owner) -> HttpResponseRedirect:
        return self._home(request, obj) or super().response_post_save_change(request, obj)

    def _home(self, request: HttpRequest, owner: Owner) -> HttpResponseRedirect | None:
        sees = self.has_view_permission(request, owner) and self.has_see_postbacks_permission(request)
        return redirect(self.kind.url(owner)) if sees else None

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
            "pause_all_url": self.kind.together_url(owner, "pause"),
            "resume_all_url": self.kind.together_url(owner, "resume"),
            "copy_url_name": f"admin:{self.opts.app_label}_{self.opts.model_name}_copy_postbacks",
            "media": self.media + context["form"].media if "form" in context else self.media,
        }
        return TemplateResponse(request, f"admin/postbacks/integrations/{name}.html", shared | context)


def _has_a_term(partner: Partner, contracts: list[Told] | None) -> bool:
    """By what was read of its contracts, if it was."""
    if contracts is None:
        return partner.contracts.filter(terms__isnull=False).exists()
    return not all(each.lacks_terms for each in contracts)


admin.site.unregister(Partner)
admin.site.unregister(MediaSource)


@admin.register(Partner)
class PartnerWithPostbacksAdmin(WithPostbacks, PartnerAdmin):
    kind = PARTNER
    list_display: Any = ("cut_name", "id", "active", "states", "sent", "success", "at_once")
    list_filter: ClassVar[Any] = (PartnersOfProgram, OwnersByState, "active", "currency")
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
    list_display: Any = ("cut_name", "id", "type", "channel", "states", "sent", "success", "at_once")
    list_filter: ClassVar[Any] = (NetworksOfProgram, OwnersByState, "type", "channel")
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
