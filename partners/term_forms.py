"""Forms in which terms are typed: they offer the program's event types, and ask about a contract without a term."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget
from unfold.widgets import UnfoldBooleanWidget as Checkbox

from partners.admin_kit import InlineFormSet, ModelForm
from partners.models import ActionTracker, Contract, ContractTerm, Partner, Program

SCRIPT: Final = "partners/event-types.js"
OTHER_PROGRAM: Final = "This event type belongs to another program than the contract."
WITHOUT_TERMS: Final = (
    "The contract has no term: it would pay nothing, and none of the partner's postbacks would fire. "
    "Add a term, or tick “Save without a term” to add one later."
)
_SHOWN_CHARACTERS: Final = 60  # Of a name in a list of choices; a longer one makes the list wider than the page.


def shortened(row: Any) -> str:
    """The name and id of a row, the name cut where it is long."""
    name = row.name if len(row.name) <= _SHOWN_CHARACTERS else f"{row.name[: _SHOWN_CHARACTERS - 1]}…"
    return f"{name} ({row.pk})"


class EventTypeSelect(UnfoldAdminSelectWidget):  # type: ignore[misc]  # the theme has no types
    """A select of event types under the names of their programs, each with its program for the script."""

    class Media:
        js = (SCRIPT,)

    def __init__(self) -> None:
        super().__init__({"data-event-types": ""})
        self.programs: dict[str, int] = {}

    def offer(self, program: int | None = None) -> list[tuple[str, Any]]:
        """All event types, or those of a program: the choices of the field. One query."""
        rows = ActionTracker.objects.select_related("program").order_by("program__name", "program", "name", "id")
        if program is not None:
            rows = rows.filter(program=program)
        found = list(rows)
        self.programs = {str(each.pk): each.program_id for each in found}
        grouped = groupby(found, key=attrgetter("program"))
        return [
            ("", "---------"),
            *((shortened(of), [(each.pk, shortened(each)) for each in trackers]) for of, trackers in grouped),
        ]

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        program = self.programs.get(str(option["value"]))
        if program is not None:
            option["attrs"]["data-program"] = str(program)
        return option


def _without_terms_field() -> forms.BooleanField:
    return forms.BooleanField(
        required=False,
        label="Save without a term",
        widget=Checkbox(),
        help_text="Until it has one, the contract pays nothing and none of the partner's postbacks fires.",
    )


class ContractForm(ModelForm):
    """A contract; without a term it is saved only where that is ticked, which its terms' form set checks."""

    without_terms = _without_terms_field()


class ContractTermFormSet(InlineFormSet):
    """Terms are checked against the program that is chosen on the same page, also before the contract is saved."""

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            tracker = getattr(form, "cleaned_data", {}).get("action_tracker")
            if tracker is not None and tracker.program_id != self.instance.program_id and not form.errors:
                form.add_error("action_tracker", ValidationError(OTHER_PROGRAM))
        typed = self.initial_forms or any(form.has_changed() for form in self.extra_forms)
        if not typed and not self.data.get("without_terms"):
            raise ValidationError(WITHOUT_TERMS)


class NewPartnerForm(ModelForm):
    """A partner, and with a program its contract and the contract's first term: all is saved, or nothing."""

    program = forms.ModelChoiceField(
        Program.objects.all(),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        empty_label="No contract yet",
        help_text="Without one, the partner is paid nothing and gets no postbacks.",
    )
    start = forms.DateField(required=False, label="Start", widget=UnfoldAdminDateWidget(), help_text="Its first day.")
    event_type = forms.ModelChoiceField(
        ActionTracker.objects.select_related("program"), required=False, widget=EventTypeSelect()
    )
    payout_type = forms.ChoiceField(
        choices=[("", "---------"), *ContractTerm.PayoutType.choices], required=False, widget=UnfoldAdminSelectWidget()
    )
    payout = forms.DecimalField(
        max_digits=12,
        decimal_places=4,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(),
        help_text="Percent, or an amount in the partner's currency.",
    )
    without_terms = _without_terms_field()

    class Meta:
        model = Partner
        fields = ("name", "currency", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contract: Contract | None = None
        self.term: ContractTerm | None = None
        program: Any = self.fields["program"]
        program.label_from_instance = shortened
        event_type: Any = self.fields["event_type"]
        event_type.choices = event_type.widget.offer()

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if "program" in self.errors:
            return fields
        program, event_type = fields.get("program"), fields.get("event_type")
        if program is None:
            if event_type is not None or fields.get("payout") is not None:
                self.add_error("program", "A term belongs to a contract: choose its program, or empty the term.")
            return fields
        start: Any = fields.get("start")  # If it is missing, its field says so.
        self.contract = Contract(program=program, start=start)
        self._check(self.contract, ["partner"], {})
        if event_type is not None:
            self._clean_term(fields, program, event_type)
        elif fields.get("payout") is not None:
            self.add_error("event_type", "Choose what the payout is for.")
        elif not fields.get("without_terms") and "event_type" not in self.errors:
            self.add_error("event_type", WITHOUT_TERMS)
        return fields

    def _clean_term(self, fields: dict[str, Any], program: Program, event_type: ActionTracker) -> None:
        if event_type.program_id != program.pk:
            self.add_error("event_type", OTHER_PROGRAM)
        if fields.get("payout") is None and "payout" not in self.errors:
            self.add_error("payout", "Say what the term pays.")
        if not fields.get("payout_type") and "payout_type" not in self.errors:
            self.add_error("payout_type", "Say whether the payout is a percentage or an amount.")
        what = {name: fields.get(name) for name in ("payout_type", "payout")}
        self.term = ContractTerm(action_tracker=event_type, **what)
        self._check(self.term, ["contract"], {"action_tracker": "event_type"})

    def _check(self, row: Contract | ContractTerm, exclude: list[str], named: dict[str, str]) -> None:
        """Puts the errors of the row on the fields that it is made of, which have other names in `named`."""
        try:
            row.clean_fields(exclude=exclude)
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                field = named.get(name, name)
                if field in self.fields and field not in self.errors:
                    self.add_error(field, messages)

    def save_contract(self) -> None:
        """Saves the contract and its term, once the partner is saved; in the transaction of the page."""
        if self.contract is None:
            return
        self.contract.partner = self.instance
        self.contract.full_clean()
        self.contract.save()
        if self.term is not None:
            self.term.contract = self.contract
            self.term.full_clean()
            self.term.save()
