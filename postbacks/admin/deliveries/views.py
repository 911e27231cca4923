"""The pages of the log that change something: Resend and Cancel, for one delivery or many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from partners.admin_kit import LargeTable, ShownOnly
from postbacks.admin.deliveries.bulk_actions import BULK_ACTIONS, CANCEL, MOST, RESEND, BulkAction, count_of, ids_in
from postbacks.admin.deliveries.filters import FilterForm
from postbacks.delivery_log.finder_of import finder_of
from postbacks.models import Delivery

LOG = "admin:postbacks_delivery_changelist"
OPTIMIZE = "optimize_sources.view_mediasource"


class BulkActionsAdmin(ShownOnly, LargeTable):
    """Deliveries are not edited; `postbacks.admin.deliveries.bulk_actions` has what users can do with them."""

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("postbacks.change_delivery")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("postbacks.change_delivery")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        one = [
            path(
                f"<int:pk>/{name}/",
                view(require_POST(self.one_view)),
                {"bulk_action": bulk_action},
                name=f"postbacks_delivery_{name}",
            )
            for name, bulk_action in BULK_ACTIONS.items()
        ]
        many = [
            path(
                f"{name}/",
                view(require_POST(self.many_view)),
                {"bulk_action": bulk_action},
                name=f"postbacks_delivery_{name}_many",
            )
            for name, bulk_action in BULK_ACTIONS.items()
        ]
        return one + many + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Deliveries to networks belong to Optimize, which has its own permission."""
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows if request.user.has_perm(OPTIMIZE) else rows.filter(postback__media_source__isnull=True)

    def one_view(self, request: HttpRequest, pk: int, bulk_action: BulkAction) -> HttpResponse:
        """Acts on one delivery: from its row, then back to the list; or from its page, then on to the new one."""
        self._require(request, bulk_action)
        ids = list(self.get_queryset(request).filter(pk=pk).values_list("pk", flat=True))
        if not ids:
            raise Http404(f"There is no delivery {pk}.")
        done = bulk_action.do(request.user, ids)
        if done:
            self.message_user(request, f"Delivery {pk} was {bulk_action.done}.", messages.SUCCESS)
        else:
            self.message_user(request, f"Delivery {pk} was left as it is: {bulk_action.unfit}.", messages.WARNING)
        if "from-list" in request.POST:
            return redirect(f"{reverse(LOG)}?{filters_of(request.GET)}")
        return redirect("admin:postbacks_delivery_change", done[0] if done else pk)

    def many_view(self, request: HttpRequest, bulk_action: BulkAction) -> HttpResponse:
        """The first request asks; the second one acts on exactly the deliveries that were asked about."""
        self._require(request, bulk_action)
        back = f"{reverse(LOG)}?{filters_of(request.GET)}"
        if "sure" in request.POST:
            wanted = self.get_queryset(request).filter(pk__in=ids_in(request.POST.get("ids", "")))
            done = bulk_action.do(request.user, list(wanted.values_list("pk", flat=True)))
            level = messages.SUCCESS if done else messages.WARNING
            self.message_user(request, f"{count_of(len(done))}: {bulk_action.done}.", level)
            return redirect(back)
        chosen = self._chosen(request, bulk_action)
        if not chosen:
            self.message_user(request, "No delivery was chosen. Tick some first.", messages.WARNING)
            return redirect(back)
        if len(chosen) > MOST:
            text = f"More than {MOST:,} deliveries match. Narrow the filters, or start a replay to send so many again."
            self.message_user(request, text, messages.WARNING)
            return redirect(back)
        question = bulk_action.question(self.get_queryset(request).filter(pk__in=chosen))
        return self.page(
            request,
            "question",
            title=bulk_action.title,
            bulk_action=bulk_action,
            question=question,
            back=back,
            filters=filters_of(request.GET),
        )

    def _chosen(self, request: HttpRequest, bulk_action: BulkAction) -> list[int]:
        """The ticked ones; or all that match the filters and may fit, up to one more than is allowed."""
        if "all" not in request.POST:
            return ids_in(",".join(request.POST.getlist("chosen")))
        networks = request.user.has_perm(OPTIMIZE)
        form = FilterForm(request.GET, networks=networks)
        if not form.is_valid():
            return []
        states = tuple(state for state in form.asked.states or bulk_action.fits if state in bulk_action.fits)
        return finder_of(replace(form.asked, states=states), networks=networks).some(MOST + 1) if states else []

    def _require(self, request: HttpRequest, bulk_action: BulkAction) -> None:
        if bulk_action not in self.may(request):
            raise PermissionDenied

    def may(self, request: HttpRequest) -> list[BulkAction]:
        allowed = ((RESEND, self.has_resend_permission(request)), (CANCEL, self.has_cancel_permission(request)))
        return [bulk_action for bulk_action, may in allowed if may and self.has_view_permission(request)]

    def page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        media = self.media + context["form"].media if "form" in context else self.media
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "media": media}
        return TemplateResponse(request, f"admin/postbacks/deliveries/{name}.html", shared | context)


def filters_of(query: QueryDict) -> str:
    """The query of the URL without the position in the list."""
    kept = query.copy()
    for name in ("before", "after"):
        kept.pop(name, None)
    return kept.urlencode()
