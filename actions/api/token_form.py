"""The form of a token: what it may do, and for which programs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldBooleanWidget,
)

from actions.models import ApiToken
from actions.models.tokens import usual_scopes
from partners.admin_kit import ModelForm
from partners.models import Program


class TokenForm(ModelForm):
    """All programs are chosen by a box of their own: emptying the list never gives a token more."""

    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget(), initial=usual_scopes
    )
    every_program = forms.BooleanField(
        label="All programs, including future ones", required=False, widget=UnfoldBooleanWidget()
    )
    programs: Any = forms.ModelMultipleChoiceField(
        Program.objects.none(),
        required=False,
        label="Or only these",
        widget=UnfoldAdminSelect2MultipleWidget(),
        help_text="What belongs to another program does not exist for the token.",
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: QuerySet[Program] = Program.objects.all()
        self.fields["programs"].queryset = chosen  # type: ignore[attr-defined]  # of a model choice
        bound = self.instance.program_ids
        self.initial["every_program"] = bound is None
        self.initial["programs"] = bound or []

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        every, programs = given.get("every_program"), given.get("programs")
        if "programs" in given and bool(every) == bool(programs):
            self.add_error("programs", "Choose programs, or tick that the token is for all of them.")
        elif "programs" in given:
            self.instance.program_ids = None if every else sorted(program.pk for program in programs or ())
        scopes = given.get("scopes") or []
        given["scopes"] = [each for each in ApiToken.Scope.values if each in scopes]
        return given
