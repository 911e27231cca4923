"""What the URL of the log asks for: a search and filters."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.http import QueryDict
from django.utils import timezone

from optimize_sources.models import MediaSource
from partners.ids import MAX_ID
from partners.local_times import LocalTimeField
from partners.models import ActionTracker, Partner, Program
from postbacks.delivery_log.counted import ANY_FAILURE
from postbacks.delivery_log.filters import Filters, Time
from postbacks.delivery_log.presets import PRESETS, span_of
from postbacks.metrics.reasons import LABELS
from postbacks.models import Delivery, Postback

UNFINISHED: Final = "unfinished"
RETRYING: Final = "retrying"
_STATES = [("", "Any"), (UNFINISHED, "Not finished"), (RETRYING, "Retrying"), *Delivery.State.choices]
_TIMES = [(Time.MADE, "When made"), (Time.ENDED, "When ended"), (Time.ATTEMPTED, "Each attempt")]
_REASONS = [("", "Any"), (ANY_FAILURE, "Any failure"), *LABELS.items()]
_STATUS = re.compile(r"([1-5])xx|([1-5]\d\d)", re.IGNORECASE)
_YEARS = (1970, 9000)
_MOMENTS = ("since", "until")
_OWNED = ("partner", "media_source", "program", "action_tracker")


class _Search(AutocompleteSelect):
    """A choice by typing, among any number of rows: the search of the admin."""

    chosen: Any = None  # The row that the field has found; Django's widget would read it again.

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:  # noqa: ARG002 -- what Django passes
        options = [self.create_option(name, "", "", selected=False, index=0)]
        if self.chosen is not None:
            options.append(self.create_option(name, self.chosen.pk, str(self.chosen), selected=True, index=1))
        return [(None, options, 0)]


def _search(model: Any, name: str) -> _Search:
    """The search for what a field of the model refers to."""
    return _Search(model._meta.get_field(name), admin.site)  # noqa: SLF001 -- Django's documented interface


def _owner_field(model: Any, label: str, widget: _Search) -> forms.ModelChoiceField[Any]:
    return forms.ModelChoiceField(model.objects.all(), required=False, label=label, widget=widget)


def _in_reach(moment: datetime | None) -> datetime | None:
    """A time with which can be computed: those at either end of all calendars have no other next to them."""
    if moment is not None and not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise forms.ValidationError(f"Enter a time between the years {_YEARS[0]} and {_YEARS[1]}.")
    return moment


class FilterForm(forms.Form):
    """The filters of the log, as the URL carries them."""

    q = forms.CharField(required=False, max_length=255, label="Search", strip=True)
    state = forms.ChoiceField(choices=_STATES, required=False, label="State")
    status = forms.CharField(required=False, max_length=3, label="Status", strip=True)
    reason = forms.ChoiceField(choices=_REASONS, required=False, label="Reason")
    postback = forms.IntegerField(required=False, max_value=MAX_ID, min_value=0, widget=_search(Delivery, "postback"))
    partner = _owner_field(Partner, "Partner", _search(Postback, "partner"))
    media_source = _owner_field(MediaSource, "Network", _search(Postback, "media_source"))
    program = _owner_field(Program, "Program", _search(ActionTracker, "program"))
    action_tracker = _owner_field(ActionTracker, "Event type", _search(Postback, "action_tracker"))
    time = forms.ChoiceField(choices=_TIMES, required=False, label="Time")
    resent = forms.ChoiceField(choices=[("", "Any"), ("no", "No")], required=False, label="Resent")
    since = LocalTimeField(required=False, label="From", widget=forms.DateTimeInput)
    until = LocalTimeField(later=True, required=False, label="Until", widget=forms.DateTimeInput)
    when = forms.ChoiceField(choices=[("", ""), *PRESETS.items()], required=False, widget=forms.HiddenInput)
    replay = forms.IntegerField(required=False, max_value=MAX_ID, min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, networks: bool) -> None:
        """Without `networks`, networks cannot be chosen: the user may not see them."""
        super().__init__(_in_local_time(data))
        self.networks = networks
        for name in _MOMENTS:
            # The format of a browser's own date and time picker.
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": "any", "class": "pp-input"}, format="%Y-%m-%dT%H:%M:%S"
            )
        for name in ("q", "state", "status", "reason", "time", "resent"):
            self.fields[name].widget.attrs["class"] = "pp-input"
        self.fields["q"].widget.attrs["placeholder"] = "Order, action, click or delivery id"
        self.fields["status"].widget.attrs["placeholder"] = "404 or 5xx"
        if not networks:
            del self.fields["media_source"]

    def clean_since(self) -> datetime | None:
        return _in_reach(self.cleaned_data["since"])

    def clean_until(self) -> datetime | None:
        return _in_reach(self.cleaned_data["until"])

    def clean_status(self) -> tuple[int, int] | None:
        """The lowest and the highest status."""
        text = self.cleaned_data["status"]
        if not text:
            return None
        found = _STATUS.fullmatch(text)
        if found is None:
            raise forms.ValidationError("Enter a status such as 404, or a class such as 5xx.")
        if found[1]:
            return int(found[1]) * 100, int(found[1]) * 100 + 99
        return int(found[2]), int(found[2])

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("time") == Time.MADE:
            given["time"] = ""  # As where nothing is chosen: a search that sends all fields has set no filter by it.
        for name in _OWNED:
            if name in self.fields:
                self.fields[name].widget.chosen = given.get(name)
        self.fields["postback"].widget.chosen = self._chosen_postback()
        if given.get("time") == Time.ENDED and given.get("state") in (UNFINISHED, RETRYING, *Delivery.UNFINISHED):
            self.add_error("time", "What is not finished has not ended. Choose when it was made, or each attempt.")
        return given

    def _chosen_postback(self) -> Postback | None:
        """The postback that is asked for, if there is one and the user may see it."""
        key = self.cleaned_data.get("postback")
        if key is None:
            return None
        found = Postback.objects.select_related("partner", "media_source").filter(pk=key).first()
        return found if found is None or self.networks or found.media_source_id is None else None

    @property
    def asked(self) -> Filters:
        """The filters of a valid form."""
        given = self.cleaned_data
        state = given["state"]
        since, until = given["since"], given["until"]
        if given["when"] and since is None and until is None:
            since, until = span_of(given["when"], timezone.now())
        return Filters(
            search=given["q"],
            states=_STATES_OF.get(state, (state,) if state else ()),
            retrying=state == RETRYING,
            statuses=given["status"],
            why=given["reason"],
            partner=given["partner"],
            network=given.get("media_source"),
            event_type=given["action_tracker"],
            postback=given["postback"],
            replay=given["replay"],
            not_resent=given["resent"] == "no",
            program=given["program"],
            time=Time(given["time"] or Time.MADE),
            since=since,
            until=until,
        )

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set, apart from the search."""
        return any(value not in (None, "") for name, value in self.cleaned_data.items() if name != "q")


_STATES_OF: Final = {UNFINISHED: Delivery.UNFINISHED, RETRYING: (Delivery.State.READY.value,)}


def _in_local_time(data: QueryDict) -> QueryDict:
    """The same with times as a browser's field shows them; links carry them with their zone."""
    given = data.copy()
    for name in _MOMENTS:
        try:
            moment = forms.DateTimeField(required=False).to_python(given.get(name, "").strip())
            if moment is not None:
                local = timezone.localtime(moment)
                # A browser's field empties itself of a time that is finer than milliseconds.
                precision = "milliseconds" if local.microsecond else "seconds"
                given[name] = local.replace(tzinfo=None).isoformat(timespec=precision)
        except (forms.ValidationError, OverflowError):
            continue  # The field says what is wrong with it.
    return given
