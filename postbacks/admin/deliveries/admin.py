"""The pages of the delivery log: the list, and each delivery."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from actions.admin import ActionEventAdmin
from partners.admin_kit import ShownOnly, TabularInline, may_see_personal
from partners.ids import read_id, row_of
from postbacks.admin.deliveries.chips import chips_of, presets_of
from postbacks.admin.deliveries.detail import exchanges_of, others_of, waits_for
from postbacks.admin.deliveries.filters import FilterForm
from postbacks.admin.deliveries.follow import FollowedAdmin
from postbacks.admin.deliveries.raw import raw_text
from postbacks.admin.deliveries.rows import Page, page_of
from postbacks.admin.deliveries.saved_filters import SavedFiltersAdmin, SaveForm
from postbacks.admin.deliveries.send_anyway import SendAnywayAdmin
from postbacks.admin.deliveries.views import OPTIMIZE, filters_of
from postbacks.admin.deliveries.why import Found, found_by
from postbacks.admin.integrations.owners import kind_of
from postbacks.admin.integrations.rows import place_called
from postbacks.delivery_log.filters import Time
from postbacks.delivery_log.finder_of import finder_of, lists_attempts
from postbacks.delivery_log.history import entries_of
from postbacks.delivery_log.hits import key_in
from postbacks.delivery_log.personal import may_hold_personal_data
from postbacks.delivery_log.resent import resent_among
from postbacks.delivery_log.seen import seen_now
from postbacks.delivery_log.words import label_of, text_of
from postbacks.models import Delivery


@admin.register(Delivery)
class DeliveryAdmin(SavedFiltersAdmin, SendAnywayAdmin, FollowedAdmin):
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        networks = request.user.has_perm(OPTIMIZE)
        form = FilterForm(request.GET, networks=networks)
        page, time = Page([], None, None), Time.MADE
        found: Found | None = None
        if form.is_valid():
            asked = form.asked
            time = Time.ATTEMPTED if lists_attempts(asked) else asked.time
            finding = finder_of(asked, networks=networks)
            page = page_of(
                finding, time, before=key_in(request.GET.get("before", "")), after=key_in(request.GET.get("after", ""))
            )
            if asked.search and page.newer is None:
                found = found_by(asked.search, request, asked_for=asked.partner or asked.network)
        return self.page(
            request,
            "list",
            title="Delivery log",
            form=form,
            page=page,
            found=found,
            filters=filters_of(request.GET),
            may=self.may(request),
            seen=seen_now(),
            newest=page.newest,
            follows=form.is_valid() and not {"before", "after"} & request.GET.keys(),
            narrowed=form.is_valid() and form.narrowed,
            time=time,
            chips=chips_of(form, request.GET) if form.is_valid() else [],
            presets=presets_of(form, request.GET),
            saved=self.saved_filters(request),
            save_form=SaveForm(),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        delivery = self._delivery(request, object_id)
        if request.method != "GET":
            raise PermissionDenied  # Deliveries and attempts are not edited.
        seen = seen_now()
        return self.page(
            request,
            "delivery",
            title=str(delivery),
            delivery=delivery,
            label=label_of(delivery),
            text=text_of(delivery),
            exchanges=exchanges_of(delivery, asked := _id(request, "attempt")),
            asked=asked,
            texts_hidden=not may_see_personal(request) and may_hold_personal_data(delivery),
            calls=place_called(delivery.postback.url),
            waits_for=waits_for(delivery),
            others=others_of(delivery),
            owner=delivery.postback.owner,
            owner_url=kind_of(delivery.postback.owner).url(delivery.postback.owner),
            entries=entries_of(delivery),
            offers=[(each, *each.would(delivery.pk, seen)) for each in self.may(request)],
            seen=seen,
            resent=resent_among([delivery.pk]).get(delivery.pk),
        )

    def get_urls(self) -> list[URLPattern]:
        raw = path("<int:pk>/raw/", self.admin_site.admin_view(self.raw_view), name="postbacks_delivery_raw")
        return [raw, *super().get_urls()]

    def raw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The texts of an attempt as they were sent and received."""
        return raw_text(request, self._delivery(request, str(pk)))

    def _delivery(self, request: HttpRequest, object_id: str) -> Delivery:
        rows = self.get_queryset(request).select_related(
            "postback__partner",
            "postback__media_source",
            "postback__action_tracker",
            "postback__lane",
            "event",
            "action",
            "replay",
        )
        delivery = row_of(rows, object_id)
        if not self.has_view_permission(request, delivery):
            raise PermissionDenied
        if delivery is None:
            raise Http404(f"There is no delivery {object_id}.")
        return delivery


class DeliveryInline(ShownOnly, TabularInline):
    """The deliveries of one action event."""

    model = Delivery
    fields = ("postback", "state", "attempts_made", "due_at", "finished_at", "reason")
    show_change_link = True
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        rows = super().get_queryset(request).select_related("postback__partner", "postback__media_source")
        return rows if request.user.has_perm(OPTIMIZE) else rows.filter(postback__media_source__isnull=True)


# The code of actions does not know postbacks; this module knows both.
ActionEventAdmin.inlines = (*ActionEventAdmin.inlines, DeliveryInline)


def _id(request: HttpRequest, name: str) -> int | None:
    return read_id(request.GET.get(name, ""))
