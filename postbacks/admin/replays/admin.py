"""The admin of replays: choose, see the count, confirm, watch, cancel, resume."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from partners.admin_kit import LargeTable
from partners.opened_with import is_stale
from postbacks.admin.replays.form import ReplayForm
from postbacks.models import Delivery, Replay
from postbacks.replay import feed
from postbacks.replay.names import described
from postbacks.replay.plan import NothingMatchedError, Plan, plan, start
from postbacks.replay.progress import progress_of

# A replay may send to networks, which have their own permission.
_OPTIMIZE = "optimize_sources.view_mediasource"


@admin.register(Replay)
class ReplayAdmin(LargeTable):
    list_display = ("id", "created_at", "state", "planned", "made", "described", "created_by")
    list_select_related = ("created_by",)
    list_filter = ("state",)

    def has_view_permission(self, request: HttpRequest, obj: Replay | None = None) -> bool:
        return request.user.has_perm(_OPTIMIZE) and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(_OPTIMIZE) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Replay | None = None) -> bool:
        return request.user.has_perm(_OPTIMIZE) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Replay | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/cancel/", view(self.cancel_view), name="postbacks_replay_cancel"),
            path("<int:pk>/resume/", view(self.resume_view), name="postbacks_replay_resume"),
        ]
        return own + super().get_urls()

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The first request counts, the second sends what the same page has selected."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ReplayForm(request.POST or None)
        planned: Plan | None = None
        if request.method == "POST" and form.is_valid():
            how = {name: form.cleaned_data[name] for name in ("exact", "values")}
            try:
                if "send" in request.POST:
                    return self._start(request, form, how)
                planned = plan(form.selection, **how)
            except NothingMatchedError as error:
                form.add_error(None, str(error))
        return self._page(request, "start", title="Replay actions", form=form, planned=planned)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        replay = self.get_object(request, object_id)
        if not self.has_view_permission(request, replay):
            raise PermissionDenied
        if replay is None:
            raise Http404(f"There is no replay {object_id}.")
        if request.method == "POST":
            raise PermissionDenied  # Cancelling and resuming have their own URLs.
        (progress,) = progress_of([replay])
        under_way = replay.state == Replay.State.RUNNING or progress.waiting > 0
        return self._page(
            request,
            "watch",
            title=str(replay),
            replay=replay,
            progress=progress,
            under_way=under_way,
            may_cancel=self.has_change_permission(request) and under_way,
            may_resume=self.has_change_permission(request)
            and replay.state in (Replay.State.STOPPED, Replay.State.CANCELLED),
            deliveries_query=f"replay={replay.pk}",
            delivery_opts=Delivery._meta,  # noqa: SLF001 -- Django's documented interface
        )

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._change(request, pk, feed.cancel, "cancelled", "has nothing left to cancel")

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._change(request, pk, feed.resume, "running again", "is not stopped")

    def _change(self, request: HttpRequest, pk: int, change: Any, done: str, refused: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        replay = Replay.objects.filter(pk=pk).first()
        if replay is None:
            raise Http404(f"There is no replay {pk}.")
        if is_stale(request, replay.state):
            self.message_user(request, f"{replay} was left as it is: its state has changed since.", messages.WARNING)
        elif change(replay):
            self.message_user(request, f"{replay} is {done}.", messages.SUCCESS)
        else:
            self.message_user(request, f"{replay} {refused}.", messages.WARNING)
        return redirect("admin:postbacks_replay_change", pk)

    def _start(self, request: HttpRequest, form: ReplayForm, how: dict[str, Any]) -> HttpResponse:
        user = request.user if request.user.is_authenticated else None
        replay = start(
            form.selection, described=described(form.given), rate=form.cleaned_data["rate"], user=user, **how
        )
        self.message_user(request, f"{replay} is running: {replay.planned:,} deliveries.", messages.SUCCESS)
        return redirect("admin:postbacks_replay_change", replay.pk)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
        if "form" in context:
            shared["media"] += context["form"].media
        return TemplateResponse(request, f"admin/postbacks/replays/{name}.html", shared | context)
