"""The part of the log's pages that does something: Resend and Cancel, of one or of many."""

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
from postbacks.admin.deliveries.bulk_actions import CANCEL, DEEDS, MOST, RESEND, Deed, count_of, ids_in
from postbacks.admin.deliveries.filters import FilterForm
from postbacks.admin.deliveries.find import Finder
from postbacks.models import Delivery

LOG = "admin:postbacks_delivery_changelist"
OPTIMIZE = "optimize_sources.view_mediasource"


class DoingAdmin(ShownOnly, LargeTable):
    """Deliveries are not edited; what may be done to them is in `postbacks.admin.deliveries.bulk_actions`."""

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
                {"deed": deed},
                name=f"postbacks_delivery_{name}",
            )
            for name, deed in DEEDS.items()
        ]
        many = [
            path(f"{name}/", view(require_POST(self.many_view)), {"deed": deed}, name=f"postbacks_delivery_{name}_many")
            for name, deed in DEEDS.items()
        ]
        return one + many + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Those of networks belong to Optimize, which is a permission of its own."""
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows if request.user.has_perm(OPTIMIZE) else rows.filter(postback__media_source__isnull=True)

    def one_view(self, request: HttpRequest, pk: int, deed: Deed) -> HttpResponse:
        """From its row, then back to the list; or from its page, then on to the new one or back."""
        self._require(request, deed)
        ids = list(self.get_queryset(request).filter(pk=pk).values_list("pk", flat=True))
        if not ids:
            raise Http404(f"There is no delivery {pk}.")
        done = deed.do(request.user, ids)
        if done:
            self.message_user(request, f"Delivery {pk} was {deed.done}.", messages.SUCCESS)
        else:
            self.message_user(request, f"Delivery {pk} was left as it is: {deed.unfit}.", messages.WARNING)
        if "from-list" in request.POST:
            return redirect(f"{reverse(LOG)}?{filters_of(request.GET)}")
        return redirect("admin:postbacks_delivery_change", done[0] if done else pk)

    def many_view(self, request: HttpRequest, deed: Deed) -> HttpResponse:
        """Once to ask, and once more to do it to those that were asked about, and no others."""
        self._require(request, deed)
        back = f"{reverse(LOG)}?{filters_of(request.GET)}"
        if "sure" in request.POST:
            wanted = self.get_queryset(request).filter(pk__in=ids_in(request.POST.get("ids", "")))
            done = deed.do(request.user, list(wanted.values_list("pk", flat=True)))
            level = messages.SUCCESS if done else messages.WARNING
            self.message_user(request, f"{count_of(len(done))}: {deed.done}.", level)
            return redirect(back)
        chosen = self._chosen(request, deed)
        if not chosen:
            self.message_user(request, "No delivery was chosen: tick some of them first.", messages.WARNING)
            return redirect(back)
        if len(chosen) > MOST:
            text = f"More than {MOST:,} deliveries match. Narrow the filters; to send so many again, start a replay."
            self.message_user(request, text, messages.WARNING)
            return redirect(back)
        question = deed.question(self.get_queryset(request).filter(pk__in=chosen))
        return self.page(
            request,
            "question",
            title=deed.title,
            deed=deed,
            question=question,
            back=back,
            filters=filters_of(request.GET),
        )

    def _chosen(self, request: HttpRequest, deed: Deed) -> list[int]:
        """The ticked ones; or of all that match the filters those that may fit, and one more than may be done."""
        if "all" not in request.POST:
            return ids_in(",".join(request.POST.getlist("chosen")))
        networks = request.user.has_perm(OPTIMIZE)
        form = FilterForm(request.GET, networks=networks)
        if not form.is_valid():
            return []
        states = tuple(state for state in form.asked.states or deed.fits if state in deed.fits)
        return Finder(replace(form.asked, states=states), networks).some(MOST + 1) if states else []

    def _require(self, request: HttpRequest, deed: Deed) -> None:
        if deed not in self.may(request):
            raise PermissionDenied

    def may(self, request: HttpRequest) -> list[Deed]:
        allowed = ((RESEND, self.has_resend_permission(request)), (CANCEL, self.has_cancel_permission(request)))
        return [deed for deed, may in allowed if may and self.has_view_permission(request)]

    def page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        media = self.media + context["form"].media if "form" in context else self.media
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "media": media}
        return TemplateResponse(request, f"admin/postbacks/admin/deliveries/{name}.html", shared | context)


def filters_of(query: QueryDict) -> str:
    """The address's query without the place in the list."""
    kept = query.copy()
    for name in ("before", "after"):
        kept.pop(name, None)
    return kept.urlencode()
