"""The postback form of the admin: the model's own checks, in the fields in which operators type."""

from __future__ import annotations

from django import forms

from partners.admin_kit import ModelForm
from postbacks.form_fields import DurationField, LinesField, PairsField
from postbacks.models import Postback

_RULES_HELP = (
    "One rule a line: a status (200, 2xx, 200-204), /a regular expression/, json: an expression that is true, "
    "or a text in the body."
)


def _lines(rows: int, help_text: str = "", label: str | None = None) -> LinesField:
    widget = forms.Textarea({"rows": rows, "cols": 100, "spellcheck": "false"})
    return LinesField(required=False, widget=widget, help_text=help_text, label=label)


class PostbackForm(ModelForm):
    body_pairs = PairsField(
        required=False,
        widget=forms.Textarea({"rows": 5, "cols": 100, "spellcheck": "false"}),
        help_text="POST only: one “key = template” a line. Leave empty if a raw body is given.",
    )
    body_raw = _lines(5, "POST only: the whole body, where pairs cannot express its shape.", "Raw body")
    headers = _lines(3, "One “Name: value” a line.", "HTTP Header")
    minimum_delay_seconds = DurationField(
        label="Minimum Delay",
        required=False,
        initial="0",
        help_text="Seconds, or 90s, 15m, 2h, 3d; at most 30 days. Counted from the recording of the event.",
    )
    success_response = _lines(3, f"{_RULES_HELP} Empty: any 2xx is a success.", "Success Response")
    error_response = _lines(3, f"{_RULES_HELP} Looked at first.", "Error Response")

    class Meta:
        model = Postback
        fields = (
            "partner",
            "media_source",
            "name",
            "action_tracker",
            "event_trigger",
            "scope",
            "install",
            "in_app_event",
            "url",
            "method",
            "body_format",
            "body_pairs",
            "body_raw",
            "headers",
            "minimum_delay_seconds",
            "maximum_requests",
            "success_response",
            "error_response",
        )
        widgets = {"url": forms.Textarea({"rows": 3, "cols": 100, "spellcheck": "false"})}
