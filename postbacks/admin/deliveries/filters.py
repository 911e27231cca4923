"""What the URL of the log asks for: a search and filters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.http import QueryDict

from optimize_sources.models import MediaSource
from partners.ids import MAX_ID
from partners.local_times import LocalTimeField
from partners.models import ActionTracker, Partner
from postbacks.delivery_log.filters import Filters
from postbacks.models import Delivery, Postback, Replay

UNFINISHED = "unfinished"
_STATES = [("", "Any"), (UNFINISHED, "Not finished"), *Delivery.State.choices]
_YEARS = (1970, 9000)
_OWNED = {"partner", "media_source", "action_tracker"}


class _Search(AutocompleteSelect):
    """A choice by typing, among any number of rows: the search of the admin."""

    chosen: Any = None  # The row that the field has found; Django's widget would read it again.

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:  # noqa: ARG002 -- what Django passes
        options = [self.create_option(name, "", "", selected=False, index=0)]
        if self.chosen is not None:
            options.append(self.create_option(name, self.chosen.pk, str(self.chosen), selected=True, index=1))
        return [(None, options, 0)]


def _owner_field(name: str, model: Any, label: str) -> forms.ModelChoiceField[Any]:
    """A choice like that of a postback's field."""
    widget = _Search(Postback._meta.get_field(name), admin.site)  # noqa: SLF001 -- Django's documented interface
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
    partner = _owner_field("partner", Partner, "Partner")
    media_source = _owner_field("media_source", MediaSource, "Network")
    action_tracker = _owner_field("action_tracker", ActionTracker, "Event type")
    since = LocalTimeField(required=False, label="From", widget=forms.DateTimeInput)
    until = LocalTimeField(later=True, required=False, label="Until", widget=forms.DateTimeInput)
    postback = forms.IntegerField(required=False, max_value=MAX_ID, min_value=0, widget=forms.HiddenInput)
    replay = forms.IntegerField(required=False, max_value=MAX_ID, min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, networks: bool) -> None:
        """Without `networks`, networks cannot be chosen: the user may not see them."""
        super().__init__(data)
        self._networks = networks
        for name in ("since", "until"):
            # The format of a browser's own date and time picker.
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": "1", "class": "pp-input"}, format="%Y-%m-%dT%H:%M:%S"
            )
        self.fields["q"].widget.attrs["placeholder"] = "Action id, order id, click id or delivery"
        self.fields["q"].widget.attrs["class"] = self.fields["state"].widget.attrs["class"] = "pp-input"
        if not networks:
            del self.fields["media_source"]

    def clean_since(self) -> datetime | None:
        return _in_reach(self.cleaned_data["since"])

    def clean_until(self) -> datetime | None:
        return _in_reach(self.cleaned_data["until"])

    def clean(self) -> dict[str, Any]:
        for name in _OWNED & self.fields.keys():
            self.fields[name].widget.chosen = self.cleaned_data.get(name)
        return self.cleaned_data

    @property
    def asked(self) -> Filters:
        """The filters of a valid form."""
        given = self.cleaned_data
        state = given["state"]
        return Filters(
            search=given["q"],
            states=Delivery.UNFINISHED if state == UNFINISHED else (state,) if state else (),
            partner=given["partner"],
            network=given.get("media_source"),
            event_type=given["action_tracker"],
            postback=given["postback"],
            replay=given["replay"],
            since=given["since"],
            until=given["until"],
        )

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set, apart from the search."""
        return any(value not in (None, "") for name, value in self.cleaned_data.items() if name != "q")

    def named(self) -> list[str]:
        """What hidden fields narrow the log to."""
        names = []
        postback, replay = self.cleaned_data.get("postback"), self.cleaned_data.get("replay")
        if postback is not None:
            found = Postback.objects.select_related("partner", "media_source").filter(pk=postback).first()
            seen = found if found is None or self._networks or found.media_source_id is None else None
            names.append(f"of the postback {seen or postback}")
        if replay is not None:
            names.append(f"of {Replay.objects.filter(pk=replay).first() or f'replay {replay}'}")
        return names
