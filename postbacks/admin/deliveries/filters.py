"""What the address of the log asks for: a search, filters, and the place at which a page begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import QueryDict

from optimize_sources.models import MediaSource
from partners.ids import MAX_ID
from partners.models import ActionTracker, Partner
from postbacks.models import Delivery, Postback, Replay

UNFINISHED = "unfinished"
_STATES = [("", "Any"), (UNFINISHED, "Not finished"), *Delivery.State.choices]
_OWNED = {"partner", "media_source", "action_tracker"}


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters; None and empty ask for nothing. Times are when the deliveries were made, `until` not included."""

    search: str = ""
    states: tuple[str, ...] = ()
    partner: Partner | None = None
    network: MediaSource | None = None
    event_type: ActionTracker | None = None
    postback: int | None = None
    replay: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def of_some_postbacks(self) -> bool:
        return any((self.partner, self.network, self.event_type, self.postback is not None))

    def postbacks(self) -> QuerySet[Postback]:
        """The postbacks of the owner and event type asked for, deleted ones too: their deliveries are still there."""
        rows = Postback.objects.all()
        if self.partner:
            rows = rows.filter(partner=self.partner)
        if self.network:
            rows = rows.filter(media_source=self.network)
        if self.event_type:
            rows = rows.filter(action_tracker=self.event_type)
        if self.postback is not None:
            rows = rows.filter(pk=self.postback)
        return rows


class _Search(AutocompleteSelect):
    """A choice by typing, among however many there are: the admin's own search."""

    chosen: Any = None  # The row that the field has found; Django's own would read it once more.

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:  # noqa: ARG002 -- what Django passes
        options = [self.create_option(name, "", "", selected=False, index=0)]
        if self.chosen is not None:
            options.append(self.create_option(name, self.chosen.pk, str(self.chosen), selected=True, index=1))
        return [(None, options, 0)]


def _owner_field(name: str, model: Any, label: str) -> forms.ModelChoiceField[Any]:
    """A choice as of a postback's field."""
    widget = _Search(Postback._meta.get_field(name), admin.site)  # noqa: SLF001 -- Django's documented interface
    return forms.ModelChoiceField(model.objects.all(), required=False, label=label, widget=widget)


class FilterForm(forms.Form):
    """The log's filters, as the address carries them."""

    q = forms.CharField(required=False, max_length=255, label="Search", strip=True)
    state = forms.ChoiceField(choices=_STATES, required=False, label="State")
    partner = _owner_field("partner", Partner, "Partner")
    media_source = _owner_field("media_source", MediaSource, "Network")
    action_tracker = _owner_field("action_tracker", ActionTracker, "Event type")
    since = forms.DateTimeField(required=False, label="From", widget=forms.DateTimeInput)
    until = forms.DateTimeField(required=False, label="Until", widget=forms.DateTimeInput)
    postback = forms.IntegerField(required=False, max_value=MAX_ID, min_value=0, widget=forms.HiddenInput)
    replay = forms.IntegerField(required=False, max_value=MAX_ID, min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, networks: bool) -> None:
        """Without `networks` they cannot be chosen: the user may not see them."""
        super().__init__(data)
        for name in ("since", "until"):
            # What a browser's own picker of a moment writes.
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": "1", "class": "pp-input"}, format="%Y-%m-%dT%H:%M:%S"
            )
        self.fields["q"].widget.attrs["placeholder"] = "Action id, order id, click id or delivery"
        self.fields["q"].widget.attrs["class"] = self.fields["state"].widget.attrs["class"] = "pp-input"
        if not networks:
            del self.fields["media_source"]

    def clean(self) -> dict[str, Any]:
        for name in _OWNED & self.fields.keys():
            self.fields[name].widget.chosen = self.cleaned_data.get(name)
        return self.cleaned_data

    @property
    def asked(self) -> Filters:
        """Of a form that was found valid."""
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
        """Whether any filter is set, the search apart."""
        return any(value not in (None, "") for name, value in self.cleaned_data.items() if name != "q")

    def named(self) -> list[str]:
        """What it is narrowed to by fields that are not shown."""
        names = []
        postback, replay = self.cleaned_data.get("postback"), self.cleaned_data.get("replay")
        if postback is not None:
            found = Postback.objects.select_related("partner", "media_source").filter(pk=postback).first()
            names.append(f"of the postback {found or postback}")
        if replay is not None:
            names.append(f"of {Replay.objects.filter(pk=replay).first() or f'replay {replay}'}")
        return names
