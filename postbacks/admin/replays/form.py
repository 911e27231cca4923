"""The form to start a replay: the filters of the command, as choices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from actions.models import Action, ActionEvent
from optimize_sources.models import MediaSource
from partners.local_times import of_clock
from partners.models import ActionTracker, Partner, Program
from postbacks.models import Postback, Replay
from postbacks.replay.names import UnknownNameError, selection_of
from postbacks.replay.selection import Selection

KINDS = [(str(kind), kind.label) for kind in ActionEvent.NON_STANDARD]


def _several(label: str, rows: QuerySet[Any], help_text: str = "") -> forms.ModelMultipleChoiceField[Any]:
    widget = UnfoldAdminSelect2MultipleWidget()
    return forms.ModelMultipleChoiceField(rows, required=False, label=label, widget=widget, help_text=help_text)


def _text(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(required=False, label=label, widget=UnfoldAdminTextInputWidget(), help_text=help_text)


def _switch(label: str, help_text: str) -> forms.BooleanField:
    return forms.BooleanField(required=False, label=label, widget=UnfoldBooleanSwitchWidget(), help_text=help_text)


class ReplayForm(forms.Form):
    """`selection` is set once the form is valid; `given` holds what was chosen, as options of the command."""

    partner = _several("Partners", Partner.objects.all(), "Postbacks of these partners.")
    media_source = _several("Networks", MediaSource.objects.all(), "Postbacks of these networks.")
    postback = _several("Postbacks", Postback.objects.existing().select_related("partner", "media_source"))
    program = _several("Programs", Program.objects.all())
    action_tracker = _several("Event types", ActionTracker.objects.select_related("program"))
    action = _text("Action", "An action id, such as 1000.2001.158133; separate several with commas.")
    order_id = _text("Order id", "Exactly as reported; separate several with commas.")
    event_kind = forms.MultipleChoiceField(
        choices=KINDS, required=False, label="Event kinds", widget=UnfoldAdminSelect2MultipleWidget()
    )
    status = forms.MultipleChoiceField(
        choices=Action.Status.choices,
        required=False,
        label="Status",
        widget=UnfoldAdminSelect2MultipleWidget(),
        help_text="The current status of the action.",
    )
    since = _text(
        "Since", "Recorded on this day or later, such as 2026-11-24, or since a time, such as 2026-11-24T09:30."
    )
    until = _text("Until", "Recorded on this day or earlier, or before this time.")
    failed_only = _switch("Failed only", "Only what has failed since it was last delivered.")
    never_delivered = _switch("Never delivered", "Only what was never delivered.")
    to_postback = forms.ModelChoiceField(
        Postback.objects.existing().select_related("partner", "media_source"),
        required=False,
        label="To postback",
        widget=UnfoldAdminSelect2Widget(),
        help_text="Send this postback what it would have received if it had existed. Empty: each postback gets again "
        "what it has had.",
    )
    values = forms.ChoiceField(choices=Replay.Values.choices, label="Values", widget=UnfoldAdminSelectWidget())
    exact = _switch("Exactly these", "Do not send later events of the same actions again.")
    rate = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10_000,
        label="Rate",
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text="At most this many per second, below the limits of the postbacks. Empty: as fast as they allow.",
    )

    selection: Selection
    given: dict[str, Any]

    GROUPS = (
        ("Whose postbacks", ("partner", "media_source", "postback", "to_postback")),
        ("Which actions", ("program", "action_tracker", "action", "order_id", "status")),
        ("Which of their events", ("event_kind", "since", "until", "failed_only", "never_delivered")),
        ("How", ("values", "rate", "exact")),
    )

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their titles."""
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS]

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        self.given = {}
        for name in ("partner", "media_source", "postback", "program", "action_tracker"):
            self.given[name] = [str(row.pk) for row in fields.get(name) or ()]
        for name in ("action", "order_id"):
            self.given[name] = [text.strip() for text in (fields.get(name) or "").split(",") if text.strip()]
        for name in ("event_kind", "status", "failed_only", "never_delivered"):
            self.given[name] = fields.get(name)
        for name in ("since", "until"):
            self.given[name] = self._moment(name)
        to_postback = fields.get("to_postback")
        self.given["to_postback"] = str(to_postback.pk) if to_postback else None
        if not self.errors:
            try:
                self.selection = selection_of(self.given)
            except UnknownNameError as error:
                option, _, text = str(error).partition(": ")
                name = option.removeprefix("--").replace("-", "_")
                self.add_error(name if name in self.fields else None, text if name in self.fields else str(error))
        return fields

    def _moment(self, name: str) -> str | datetime | None:
        """A time of the current zone, which clocks must show once; days, and what is no time, are left as they are."""
        text: str = self.cleaned_data.get(name, "")
        try:
            read = parse_datetime(text) if parse_date(text) is None else None
            return of_clock(read) if read is not None and timezone.is_naive(read) else text
        except ValueError as error:
            self.add_error(name, str(error))
            return None
