"""The form of a channel. Its address can be typed and replaced, and is never shown."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from notices.addresses import check
from notices.events import OF_SETTINGS, Event
from notices.models import Channel
from partners.admin_kit import ModelForm
from partners.models import Program
from postbacks.credentials.secrets.cipher import encrypt
from value_types.secret_text import MASK

_ADDRESS_HELP = (
    "E-mail: addresses with commas between them. Slack: the URL of an incoming webhook. Microsoft Teams: the URL of a "
    "workflow that begins “When a Teams webhook request is received”. Webhook: any URL. It is not shown again."
)
_EVENTS_HELP = (
    "Failing: half or more of the latest attempts fail. Nothing came in: no conversion for a program. Of both it also "
    "tells the end."
)


class ChannelForm(ModelForm):
    """All programs are chosen by a box of their own, as for tokens."""

    address = forms.CharField(
        required=False,
        strip=True,
        help_text=_ADDRESS_HELP,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    events = forms.MultipleChoiceField(
        label="Tell of",
        choices=Event.choices,
        required=False,
        initial=lambda: [*OF_SETTINGS, Event.FAILING],
        help_text=_EVENTS_HELP,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    every_program = forms.BooleanField(
        label="All programs, including future ones", required=False, widget=UnfoldBooleanWidget()
    )
    programs: Any = forms.ModelMultipleChoiceField(
        Program.objects.none(),
        required=False,
        label="Or only these",
        widget=UnfoldAdminSelect2MultipleWidget(),
        help_text="Replays and imports may be of several programs, and are told in any case.",
    )

    class Meta:
        model = Channel
        fields = ("name", "kind", "quiet_hours", "digest_hour", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["programs"].queryset = Program.objects.all()  # type: ignore[attr-defined]  # of a model choice
        self.fields["digest_hour"].choices = [("", "None"), *_hours()]  # type: ignore[attr-defined]  # of a choice
        self._stored = self.instance.address
        self._kind = self.instance.kind
        if self.instance.pk:
            self.initial["events"] = self.instance.events
        if self.instance.from_settings:
            for name in ("kind", "address"):
                self.fields.pop(name, None)
        elif self._stored:
            self.initial["address"] = MASK
        bound = self.instance.program_ids
        self.initial["every_program"] = bound is None
        self.initial["programs"] = bound or []

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        every, programs = given.get("every_program"), given.get("programs")
        if "programs" in given and bool(every) == bool(programs):
            self.add_error("programs", "Choose programs, or tick that the channel is for all of them.")
        elif "programs" in given:
            self.instance.program_ids = None if every else sorted(program.pk for program in programs or ())
        if "address" in self.fields and "address" in given and given.get("kind"):
            try:
                given["address"] = self._address(given["kind"], given["address"])
            except ValidationError as error:
                self.add_error("address", error)
        given["events"] = [each for each in Event.values if each in given.get("events", ())]
        return given

    def _address(self, kind: str, typed: str) -> str:
        """What to store. A masked address stays, unless it was given for another kind."""
        if typed == MASK and self._stored and kind == self._kind:
            return str(self._stored)
        if typed == MASK and self._stored:
            raise ValidationError("The address was given for another kind of channel. Type the new one.")
        if not typed:
            raise ValidationError("Type the address.")
        if MASK in typed:
            raise ValidationError("The address holds the mask. Type the whole address, or leave the mask alone.")
        check(kind, typed)
        return encrypt(typed)


def _hours() -> Any:
    return Channel._meta.get_field("digest_hour").choices  # noqa: SLF001 -- Django's documented interface
