"""The form of a link: whose it is, what it allows, until when, and what it asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from partners.admin_kit import ModelForm
from portal.models import PartnerLink

LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)
LEAST_PASSWORD = 12  # As of users.


class PartnerLinkForm(ModelForm):
    """A password is typed when the link is made; afterwards only its hash is there."""

    rights = forms.MultipleChoiceField(
        choices=PartnerLink.Right.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Without any, the link is for reading only.",
    )
    new_password = forms.CharField(
        label="Password",
        required=False,
        min_length=LEAST_PASSWORD,
        max_length=200,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Asked for when the link is opened. Give it to the partner by another way than the link.",
    )

    class Meta:
        model = PartnerLink
        fields = ("name", "rights", "personal_data", "ends_at", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "ends_at" in self.fields:
            self.initial.setdefault("ends_at", (timezone.now() + USUAL).replace(second=0, microsecond=0))

    def clean_ends_at(self) -> Any:
        ends_at = self.cleaned_data["ends_at"]
        if "ends_at" in self.changed_data and not timezone.now() < ends_at <= timezone.now() + LONGEST:
            raise ValidationError("Choose a time in the future, a year from now at most.")
        return ends_at

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("email") and (given.get("new_password") or self.instance.password):
            self.add_error("email", "Choose one: a password, or codes by e-mail.")
        rights = given.get("rights") or []
        given["rights"] = [each for each in PartnerLink.Right.values if each in rights]
        return given
