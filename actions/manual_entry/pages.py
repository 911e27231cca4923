"""The pages: reporting conversions from the list of actions, changing one from its own page."""

# Django and the theme name the arguments of what they call back, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.decorators import action

from actions.imports.run import ImportStoppedError
from actions.intake.catch_up import record_before
from actions.manual_entry.forms import ALLOWED, ChangeForm, ReportForm
from actions.manual_entry.reporting import ImportReport, take
from actions.models import Action
from actions.recording.record import record
from actions.recording.refusals import UNREADABLE, refusal_of
from actions.recording.results import Recorded, RejectedResult, Repeated, Result, refused
from actions.reports.report import parse_report
from partners.admin_kit import ModelAdmin
from partners.models import ActionTracker
from partners.opened_with import SEEN, is_stale

_STALE = (
    "Not changed: another event has come since you opened this page, and the action's history shows it. Choose Change "
    "again to change the action all the same."
)


class ManualEntry(ModelAdmin):
    """Adds reporting and changing to the pages of actions. All of it goes through `record`, as every report does."""

    would_fire_template = ""
    actions_list = ("report_by_hand",)
    actions_detail = ("change_by_hand",)

    def has_report_permission(self, request: HttpRequest, obj: object = None) -> bool:
        # Not named as "actions.add_action": that the theme looks up in the database whenever Django starts.
        return request.user.has_perm("actions.add_action")

    def has_change_by_hand_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("actions.change_action")

    @action(description="Report conversions", url_path="report", icon="add", permissions=["report"])  # type: ignore[untyped-decorator]
    def report_by_hand(self, request: HttpRequest) -> HttpResponse:
        """To paste or upload; then, by POST, to check or record."""
        form = ReportForm(request.POST or None, request.FILES or None)
        told: ImportReport | None = None
        looked: list[Any] = []
        if request.method == "POST" and form.is_valid():
            try:
                told = take(
                    form.reports(),
                    record="record" in request.POST,
                    look=lambda events: looked.extend(self.what_would_fire(request, events)),
                )
            except ImportStoppedError as error:
                form.add_error(None, f"The database failed: {error.__cause__}. {error.summary} The others are not.")
            except ValueError as error:
                form.add_error(None, str(error))
        return self._page(
            request,
            "report",
            title="Report conversions",
            form=form,
            told=told,
            looked=looked,
            example=_example(),
            would_fire_template=self.would_fire_template,
        )

    def what_would_fire(self, request: HttpRequest, events: list[tuple[int, int]]) -> list[Any]:
        """For the template `would_fire_template`, what is to be shown of events that are taken back in a moment. Given
        are their lines and ids; whoever knows postbacks says more."""
        return []

    @action(description="Change", url_path="change-by-hand", icon="edit", permissions=["change_by_hand"])  # type: ignore[untyped-decorator]
    def change_by_hand(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What can happen to the action; then, by POST, it does."""
        changed = self.get_object(request, object_id)
        if not isinstance(changed, Action):
            raise Http404(f"There is no action {object_id}.")
        form = ChangeForm(changed, request.POST or None)
        if request.method == "POST" and form.is_valid() and self._change(request, changed, form):
            return redirect("admin:actions_action_change", changed.pk)
        stale = form.is_bound and _STALE in form.non_field_errors()
        seen = (not stale and request.POST.get(SEEN)) or _newest(changed)
        may = bool(ALLOWED[Action.Status(changed.status)])
        return self._page(request, "change", title=f"Change {changed}", form=form, action=changed, may=may, seen=seen)

    def _change(self, request: HttpRequest, changed: Action, form: ChangeForm) -> bool:
        try:
            report = parse_report(form.report())
            record_before([report])
            (result,) = record([report], also=partial(_refuse_stale, request))
        except _StaleError:
            form.add_error(None, _STALE)
            return False
        except UNREADABLE as error:
            result = refused(refusal_of(error))
        match result:
            case Recorded(event):
                self.log_change(request, changed, f"{event.get_kind_display()} by hand: event {event.number}.")
                messages.success(request, f"{changed} is {event.get_kind_display().lower()}.")
            case Repeated():
                messages.info(request, "That is how it is already: nothing has changed.")
            case RejectedResult(code, message):
                form.add_error(None, ValidationError(f"{code}: {message}"))
                return False
        return True

    def _page(self, request: HttpRequest, name: str, **context: Any) -> TemplateResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media + context["form"].media,
        }
        return TemplateResponse(request, f"admin/actions/manual_entry/{name}.html", shared | context)


def _newest(action: Action) -> int:
    """The number of the newest event; 0 if none is kept any more."""
    number: int | None = action.events.order_by("-number").values_list("number", flat=True).first()
    return number or 0


class _StaleError(Exception):
    """The action has had another event since the page was opened."""


def _refuse_stale(request: HttpRequest, results: list[Result]) -> None:
    """Takes the change back unless its event follows the one that the page showed."""
    if any(isinstance(each, Recorded) and is_stale(request, each.event.number - 1) for each in results):
        raise _StaleError


def _example() -> str:
    """A report that could be one of this program."""
    tracker = ActionTracker.objects.filter(active=True).order_by("id").first()
    fields = {
        "CampaignId": tracker.program_id if tracker else 1000,
        "ActionTrackerId": tracker.pk if tracker else 2001,
        "EventDate": "NOW",
        "OrderId": "SS-50121",
        "PromoCode": "HARBOR10",
        "Items": [{"Sku": "GH23", "Quantity": 2, "SubTotal": "107.23"}],
    }
    return json.dumps(fields, indent=2)
