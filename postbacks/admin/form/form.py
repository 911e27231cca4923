"""The postback form of the admin: the checks of the model, with fields made for typing."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from itertools import count, groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from partners.admin_kit import ModelForm
from partners.models import ActionTracker, InAppEvent, Partner
from postbacks.admin.form.fields import (
    ConditionsField,
    DurationField,
    LinesField,
    PairsField,
    SecretField,
    SecretHeadersField,
)
from postbacks.admin.form.widgets import ConditionsWidget, DataSelect, PairsWidget
from postbacks.admin.integrations.owners import Owner, event_types_for, kind_of
from postbacks.credentials.asking.fields import BOUND_TO, FIELDS, OF_KIND, SECRETS
from postbacks.credentials.asking.typed import to_store as to_store_secret
from postbacks.credentials.secrets.headers import to_store
from postbacks.models import Postback

_RULES_HELP = (
    "One rule a line: a status (200, 2xx, 200-204), /a regular expression/, json: with an expression that is true, "
    "or text that the body contains."
)
_CONDITIONS = "Amount at least 50\nevery items.cat is not Shoes"  # One a line, where no script makes rows of them.
_BODY = ("body_format", "body_pairs", "body_raw")
_NEW = Postback()
_USUAL = {"authentication": _NEW.authentication, "oauth_client_auth": _NEW.oauth_client_auth}
_PLAIN = {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}


def _lines(rows: int, help_text: str = "", label: str | None = None) -> LinesField:
    widget = UnfoldAdminTextareaWidget({"rows": rows, **_PLAIN})
    return LinesField(required=False, widget=widget, help_text=help_text, label=label)


def _line(label: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        required=False, label=label, widget=UnfoldAdminTextInputWidget(_PLAIN), help_text=help_text, empty_value=""
    )


def _secret(name: str, label: str) -> SecretField:
    # Not a password field: a browser would offer to keep what is the receiver's.
    return SecretField(name, widget=UnfoldAdminTextInputWidget(_PLAIN), label=label)


class PostbackForm(ModelForm):
    """With `fixed_owner`, the postback belongs to it whatever is submitted, and only its event types are offered.

    What does not apply is dropped: a body with GET, the other kind of body, app fields of other event types.
    """

    fixed_owner: Owner | None = None
    restored: Mapping[str, Any] = MappingProxyType({})
    """Values of a version that are shown in place of the saved ones."""

    action_tracker = forms.ModelChoiceField(
        ActionTracker.objects.select_related("program"), label="Event type", widget=DataSelect("kind")
    )
    in_app_event = forms.ModelChoiceField(
        InAppEvent.objects.all(),
        required=False,
        label="In-app event",
        widget=DataSelect("tracker"),
        help_text="Fires on this event of the app.",
    )
    conditions_match = forms.ChoiceField(
        choices=Postback.ConditionsMatch.choices, required=False, label="Fires if", widget=UnfoldAdminSelectWidget()
    )
    conditions = ConditionsField(
        required=False,
        label="Conditions",
        widget=ConditionsWidget({"rows": 3, "placeholder": _CONDITIONS, **_PLAIN}),
        help_text="What the values of an event must be for it to fire. Upper and lower case count. None: it fires "
        "whatever they are.",
    )
    body_kind = forms.ChoiceField(
        choices=[("pairs", "Key-value pairs"), ("raw", "Raw body")],
        required=False,
        label="Body",
        widget=UnfoldAdminSelectWidget(),
    )
    body_pairs = PairsField(
        required=False,
        label="Pairs",
        widget=PairsWidget({"rows": 5, **_PLAIN}),
        help_text="Keys are the receiver's names, values are templates.",
    )
    body_raw = _lines(8, "The whole body, if pairs cannot express its shape.", "Raw body")
    headers = _lines(3, "One “Name: value” a line.", "HTTP Header")
    secret_headers = SecretHeadersField(
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 2, **_PLAIN}),
        help_text="As above, for tokens and passwords: stored encrypted, sent exactly as typed, and never shown again. "
        "A line whose dots you leave unchanged keeps its value.",
        label="Secret headers",
    )
    authentication = forms.ChoiceField(
        choices=Postback.Authentication.choices,
        required=False,
        label="Authentication",
        widget=UnfoldAdminSelectWidget(),
        help_text="Secrets are stored encrypted and never shown again. Dots that you leave unchanged keep the secret.",
    )
    basic_user = _line("User", "Without a colon.")
    basic_password = _secret("basic_password", "Password")
    oauth_token_url = _line("Token URL", "Where the token server gives access tokens.")
    oauth_client_id = _line("Client id")
    oauth_client_secret = _secret("oauth_client_secret", "Client secret")
    oauth_client_auth = forms.ChoiceField(
        choices=Postback.ClientAuth.choices,
        required=False,
        label="Client id and secret",
        widget=UnfoldAdminSelectWidget(),
        help_text="Where the token server wants them.",
    )
    oauth_scope = _line("Scope", "As the token server names it; several with blanks between.")
    oauth_audience = _line("Audience", "Only where the token server asks for one.")
    oauth_parameters = _lines(2, "Sent to the token server besides, one “name=value” a line.", "More parameters")
    client_certificate = _lines(
        3, "PEM, with the certificates of its chain behind it. With https only.", "Client certificate"
    )
    client_key = SecretField(
        "client_key",
        widget=UnfoldAdminTextareaWidget({"rows": 2, **_PLAIN}),
        help_text="PEM, without a passphrase.",
        label="Its private key",
    )
    trusted_authorities = _lines(
        3,
        "PEM. The receiver's certificate must then be signed by one of these, and not by a public one. A token "
        "server's may be signed by either.",
        "Trusted authorities",
    )
    minimum_delay_seconds = DurationField(
        label="Minimum Delay",
        required=False,
        initial="0",
        widget=UnfoldAdminTextInputWidget(),
        help_text="Seconds, or 90s, 15m, 2h, 3d; at most 30 days. Counted from when the event is recorded.",
    )
    success_response = _lines(3, f"{_RULES_HELP} Empty: any 2xx is a success.", "Success Response")
    error_response = _lines(3, f"{_RULES_HELP} Checked first.", "Error Response")
    name = forms.CharField(
        max_length=200,
        required=False,
        label="Name",
        widget=UnfoldAdminTextInputWidget(),
        help_text="Shown in lists and in the delivery log. Empty: the name of the event type.",
    )

    class Meta:
        model = Postback
        fields = (
            "partner",
            "media_source",
            "action_tracker",
            "event_trigger",
            "scope",
            "install",
            "in_app_event",
            "conditions",
            "conditions_match",
            "url",
            "method",
            "body_format",
            "body_pairs",
            "body_raw",
            "headers",
            "secret_headers",
            *FIELDS,
            "minimum_delay_seconds",
            "maximum_requests",
            "send_trace",
            "success_response",
            "error_response",
            "name",
        )
        labels = {"event_trigger": "Event Trigger", "body_format": "Body Format"}
        widgets = {"url": UnfoldAdminExpandableTextareaWidget({"rows": 2, **_PLAIN})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = {name: getattr(self.instance, name) for name in ("url", *FIELDS)}
        if self.fixed_owner is not None:
            setattr(self.instance, kind_of(self.fixed_owner).field, self.fixed_owner)
        if "action_tracker" in self.fields:
            self.offer_event_types()
        if "body_kind" in self.fields:
            raw = self.restored.get("body_raw", self.instance.body_raw)
            self.fields["body_kind"].initial = "raw" if raw else "pairs"
        self.initial.update({name: value for name, value in self.restored.items() if name in self.fields})

    def offer_event_types(self) -> None:
        """Fills the choices: the event types that the owner may have postbacks for, and the in-app events of apps."""
        trackers = list(event_types_for(self.fixed_owner))
        field, events = self.fields["action_tracker"], self.fields["in_app_event"]
        of_programs = groupby(trackers, key=attrgetter("program"))
        groups = [(str(program), [(each.pk, str(each)) for each in rows]) for program, rows in of_programs]
        field.choices = [("", "Select an event type"), *groups]  # type: ignore[attr-defined]  # of a model choice
        field.widget.data = {str(each.pk): each.kind for each in trackers}
        apps = [each.pk for each in trackers if each.is_mobile_app]
        codes = list(InAppEvent.objects.filter(action_tracker__in=apps)) if apps else []
        events.choices = [("", "None"), *((each.pk, each.code) for each in codes)]  # type: ignore[attr-defined]  # as above
        events.widget.data = {str(each.pk): str(each.action_tracker_id) for each in codes}
        if self.instance.pk is None and self.fixed_owner is not None and not self.is_bound:
            self._begin(trackers)

    def _begin(self, trackers: list[ActionTracker]) -> None:
        """Chooses the event type if there is only one, and puts the cursor where a person goes on."""
        if len(trackers) == 1:
            self.initial.setdefault("action_tracker", trackers[0].pk)
        first = "url" if self.initial.get("action_tracker") else "action_tracker"
        self.fields[first].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if fields.get("method") == Postback.Method.GET:
            self._leave_out(*_BODY)
        elif fields.get("body_kind") == "raw":
            self._leave_out("body_pairs")
        elif fields.get("body_kind") == "pairs":
            self._leave_out("body_raw")
        for name, usual in _USUAL.items():
            if name in self.fields and not fields.get(name):
                fields[name] = usual
        if self.add_prefix("authentication") in self.data:
            others = [names for kind, names in OF_KIND.items() if kind != fields["authentication"]]
            self._leave_out(*(name for names in others for name in names))
        self._keep_secrets(fields)
        tracker = fields.get("action_tracker")
        if tracker is not None and not tracker.is_mobile_app:
            self._leave_out("install", "in_app_event")
        if isinstance(self.fixed_owner or fields.get("partner"), Partner):
            self._leave_out("scope")
        if "name" in self.fields and not fields.get("name") and tracker is not None:
            fields["name"] = self._free_name(tracker.name)
        return fields

    def _keep_secrets(self, fields: dict[str, Any]) -> None:
        url, before = fields.get("url") or "", self.instance
        for name in SECRETS:
            if name in self.fields and name not in self.errors:
                stored = {each: self._stored[each] for each in (name, *BOUND_TO[name])}
                try:
                    fields[name] = to_store_secret(name, fields.get(name), {**fields, "url": url}, stored)
                except ValueError as error:
                    self.add_error(name, str(error))
        if fields.get("secret_headers") is None:
            return
        try:
            fields["secret_headers"] = to_store(fields["secret_headers"], url, before.secret_headers, before.url)
        except ValueError as error:
            self.add_error("secret_headers", str(error))

    def _leave_out(self, *names: str) -> None:
        """Sets fields to their values in a new postback, and ignores what was typed in them."""
        for name in names:
            if name in self.fields:
                self.errors.pop(name, None)
                self.cleaned_data[name] = copy(getattr(_NEW, name))
        self.set_to_new(*names)

    def set_to_new(self, *names: str) -> None:
        """Sets these fields of the instance, if the form has them, to the values of a new postback."""
        of_the_model = {field.name: field.attname for field in self.instance._meta.concrete_fields}  # noqa: SLF001 -- Django's documented interface
        for name in names:
            if name in self.fields and name in of_the_model:
                setattr(self.instance, of_the_model[name], copy(getattr(_NEW, of_the_model[name])))

    def _free_name(self, wanted: str) -> str:
        """`wanted`, with the first free number if the owner already has a postback of that name."""
        owner = self.fixed_owner or self.cleaned_data.get("partner") or self.cleaned_data.get("media_source")
        if owner is None:
            return wanted
        others = Postback.objects.existing().filter(**{kind_of(owner).field: owner}).exclude(pk=self.instance.pk)
        taken = set(others.filter(name__startswith=wanted[:190]).values_list("name", flat=True))
        names = (wanted if number == 1 else f"{wanted[:190]} {number}" for number in count(1))
        return next(name for name in names if name not in taken)

    def _get_validation_exclusions(self) -> set[str]:
        """Validates a fixed owner too, though it is not a field, because names are unique per owner."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # Django's, not in its stubs
        return excluded - {"partner", "media_source"}
