"""The pages of the log that change something: Resend, Try now and Cancel, for one delivery or many."""

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
from django.views.decorators.http import require_GET, require_POST

from partners.admin_kit import LargeTable, ShownOnly
from postbacks.admin.deliveries.bulk_actions import (
    BULK_ACTIONS,
    CANCEL,
    MOST,
    RESEND,
    TRY_NOW,
    BulkAction,
    ids_in,
)
from postbacks.admin.deliveries.filters import FilterForm
from postbacks.delivery_log.finder_of import finder_of
from postbacks.delivery_log.seen import seen_by, seen_now
from postbacks.models import Delivery, TryNow
from postbacks.replay import try_many

LOG = "admin:postbacks_delivery_changelist"
OPTIMIZE = "optimize_sources.view_mediasource"
# Of what is tried in the background; their ids are kept in one row.
MOST_IN_BACKGROUND = 500_000


class BulkActionsAdmin(ShownOnly, LargeTable):
    """Deliveries are not edited; `postbacks.admin.deliveries.bulk_actions` has what users can do with them."""

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("postbacks.change_delivery")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("postbacks.change_delivery")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(
                "try-now/<int:pk>/",
                view(require_GET(self.try_now_view)),
                name="postbacks_trynow_watch",
            )
        ]
        for name, bulk_action in BULK_ACTIONS.items():
            given, called = {"bulk_action": bulk_action}, f"postbacks_delivery_{name.replace('-', '_')}"
            own += [
                path(f"<int:pk>/{name}/", view(require_POST(self.one_view)), given, name=called),
                path(f"{name}/", view(require_POST(self.many_view)), given, name=f"{called}_many"),
            ]
        return own + super().get_urls()

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
        seen = seen_by(request.POST.get("seen", ""))
        would, way = bulk_action.would(pk, seen)
        done = bulk_action.do(request.user, ids, seen)
        if done:
            new = f" as delivery {done[0]}" if done[0] != pk else ""
            text = f"Delivery {pk} {bulk_action.done[0]}{new}{f': {way}' if would and way else ''}."
            self.message_user(request, text, messages.SUCCESS)
        else:
            why = "changed meanwhile" if would else way
            self.message_user(request, f"Delivery {pk} was left as it is: {why}.", messages.WARNING)
        if "from-list" in request.POST:
            return redirect(f"{reverse(LOG)}?{filters_of(request.GET)}")
        return redirect("admin:postbacks_delivery_change", done[0] if done else pk)

    def many_view(self, request: HttpRequest, bulk_action: BulkAction) -> HttpResponse:
        """The first request asks; the second one acts on exactly the deliveries that were asked about, or, of many that
        are to be tried, on all that then match the filters."""
        self._require(request, bulk_action)
        back = f"{reverse(LOG)}?{filters_of(request.GET)}"
        chosen = self._chosen(request, bulk_action)
        if not chosen:
            text = "No delivery was chosen: tick some first."
            if "all" in request.POST:
                text = f"{bulk_action.title}: none of the deliveries that match is in a state for it."
            self.message_user(request, text, messages.WARNING)
            return redirect(back)
        if len(chosen) > self._most(bulk_action):
            text = f"More than {self._most(bulk_action):,} deliveries match. Narrow the filters"
            text += ", or start a replay to send so many again." if bulk_action is RESEND else "."
            self.message_user(request, text, messages.WARNING)
            return redirect(back)
        if "sure" in request.POST:
            return self._act(request, bulk_action, chosen, back)
        many = len(chosen) > MOST
        return self.page(
            request,
            "question",
            title=bulk_action.title,
            bulk_action=bulk_action,
            question=None if many else bulk_action.question(chosen),
            many=len(chosen) if many else 0,
            seen=seen_now(),
            back=back,
            filters=filters_of(request.GET),
            post_to=reverse(f"admin:postbacks_delivery_{bulk_action.name.replace('-', '_')}_many"),
        )

    def _act(self, request: HttpRequest, bulk_action: BulkAction, chosen: list[int], back: str) -> HttpResponse:
        seen = seen_by(request.POST.get("seen", ""))
        if len(chosen) > MOST:
            job = try_many.start(chosen, seen.attempt, request.user)
            return redirect("admin:postbacks_trynow_watch", job.pk)
        done, text = bulk_action.answer(request.user, chosen, seen)
        self.message_user(request, text, messages.SUCCESS if done else messages.WARNING)
        return redirect(back)

    def try_now_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far the workers are with deliveries that are tried in the background."""
        self._require(request, TRY_NOW)
        job = TryNow.objects.defer("ids").select_related("created_by").filter(pk=pk).first()
        if job is None:
            raise Http404(f"Nothing is tried under the number {pk}.")
        return self.page(request, "try_now", title=str(job), job=job)

    def _most(self, bulk_action: BulkAction) -> int:
        return MOST_IN_BACKGROUND if bulk_action is TRY_NOW else MOST

    def _chosen(self, request: HttpRequest, bulk_action: BulkAction) -> list[int]:
        """The ids of a question that is answered, the ticked ones, or all that match the filters and may fit, up to one
        more than is allowed."""
        if "all" in request.POST:
            return self._matching(request, bulk_action)
        ids = ids_in(",".join(request.POST.getlist("chosen")))
        if "sure" in request.POST:
            ids = ids_in(request.POST.get("ids", ""))
            if request.POST["sure"] == "again":
                ids += ids_in(request.POST.get("again", ""))
        return list(self.get_queryset(request).filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))

    def _matching(self, request: HttpRequest, bulk_action: BulkAction) -> list[int]:
        networks = request.user.has_perm(OPTIMIZE)
        form = FilterForm(request.GET, networks=networks)
        if not form.is_valid():
            return []
        states = tuple(state for state in form.asked.states or bulk_action.fits if state in bulk_action.fits)
        most = self._most(bulk_action) + 1
        return sorted(finder_of(replace(form.asked, states=states), networks=networks).some(most)) if states else []

    def _require(self, request: HttpRequest, bulk_action: BulkAction) -> None:
        if bulk_action not in self.may(request):
            raise PermissionDenied

    def may(self, request: HttpRequest) -> list[BulkAction]:
        resend, cancel = self.has_resend_permission(request), self.has_cancel_permission(request)
        allowed = ((RESEND, resend), (TRY_NOW, resend), (CANCEL, cancel))
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
