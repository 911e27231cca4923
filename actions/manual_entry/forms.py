"""The forms of manual entry: reports as text or a file, and one change of an action."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import DecimalValidator
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from actions.models import Action, ActionEvent, Item
from value_types.currencies import minor_units, smallest_unit

Kind = ActionEvent.Kind

MAX_DIGITS = 12  # Before the point: above any order, below what a report may hold.

ALLOWED = {
    Action.Status.PENDING: (Kind.MODIFIED, Kind.REVERSED),
    Action.Status.REVERSED: (Kind.RESTORED,),
    Action.Status.APPROVED: (),
}
"""What can happen to an action, by its status."""

_WORDS = {Kind.MODIFIED: "Modify it", Kind.REVERSED: "Reverse it: nothing of it is paid", Kind.RESTORED: "Restore it"}


class ReportForm(forms.Form):
    """Reports as text, or as a file."""

    text = forms.CharField(
        label="Reports",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false", "class": "font-mono"}),
        help_text="JSON, one object a line or a single one; or CSV with the field names in its first line.",
    )
    file = forms.FileField(label="Or a file", required=False, widget=UnfoldAdminFileFieldWidget())

    def reports(self) -> bytes:
        """What was given; the file, if there is one."""
        file = self.cleaned_data["file"]
        return file.read() if file else str(self.cleaned_data["text"]).encode(errors="replace")


class ChangeForm(forms.Form):
    """One change of an action. Of its items only those that differ are reported.

    What they cost is asked for as it is reported: before discounts, unless the action was reported with net lines.
    """

    event = forms.ChoiceField(label="What happened", widget=UnfoldAdminSelectWidget())
    amount = forms.DecimalField(
        required=False,
        min_value=Decimal(0),
        widget=UnfoldAdminDecimalFieldWidget(),
        help_text="A new total in the cart's currency, in place of the sum of the items; 0 reverses. Empty: as it is.",
    )
    reason = forms.CharField(
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text="A code such as ITEM_RETURNED; postbacks carry it as StatusDetail.",
    )

    def __init__(self, action: Action, *args: Any) -> None:
        super().__init__(*args)
        self.action = action
        self.items = [item for item in action.items.all() if item.sku]  # Others no change can name.
        kinds = ALLOWED[Action.Status(action.status)]
        self.before = {item.position: item.reported_sub_total for item in self.items}
        self._amount_of(self.fields["amount"])
        self.fields["event"].choices = [(kind.value, _WORDS[kind]) for kind in kinds]  # type: ignore[attr-defined]  # of a choice
        self.fields["event"].initial = next(iter(kinds), None)
        if Kind.MODIFIED not in kinds:
            del self.fields["amount"]
            self.items = []
        for item in self.items:
            self.fields[f"quantity_{item.position}"] = forms.IntegerField(
                label=f"Quantity of {item}", min_value=0, initial=item.quantity, widget=UnfoldAdminIntegerFieldWidget()
            )
            self.fields[f"sub_total_{item.position}"] = self._amount_of(
                forms.DecimalField(
                    label=f"Subtotal of {item}",
                    min_value=Decimal(0),
                    initial=self.before[item.position],
                    widget=UnfoldAdminDecimalFieldWidget(),
                )
            )

    def _amount_of(self, field: forms.Field) -> forms.Field:
        """The field with the decimals of the cart's currency."""
        decimals = minor_units(self.action.original_currency)
        field.validators.append(DecimalValidator(MAX_DIGITS + decimals, decimals))
        field.widget.attrs["step"] = str(smallest_unit(self.action.original_currency))
        return field

    def item_rows(self) -> Iterator[tuple[Item, forms.BoundField, forms.BoundField]]:
        """Each item with its two fields."""
        for item in self.items:
            yield item, self[f"quantity_{item.position}"], self[f"sub_total_{item.position}"]

    def report(self) -> dict[str, Any]:
        """The fields of the report; only valid forms have one."""
        given = self.cleaned_data
        fields = {"Event": given["event"], "ActionId": self.action.action_id, "Reason": given["reason"]}
        if given["event"] == Kind.MODIFIED:
            fields |= {"Amount": given["amount"], "Items": self._changed_items()}
        return {name: value for name, value in fields.items() if value not in (None, "", [])}

    def _changed_items(self) -> list[dict[str, Any]]:
        """With the lines of a SKU go all others of it: they are told apart by their order."""
        changed = {item.sku for item in self.items if self._given("quantity", item) != item.quantity}
        changed |= {item.sku for item in self.items if self._given("sub_total", item) != self.before[item.position]}
        return [
            {
                "Sku": item.sku,
                "Quantity": self._given("quantity", item),
                # Of an order of which only the total is known, a 0.00 that nobody typed is not an amount.
                "SubTotal": self._given("sub_total", item)
                if item.sub_total or self._given("sub_total", item)
                else None,
            }
            for item in self.items
            if item.sku in changed
        ]

    def _given(self, name: str, item: Item) -> Any:
        return self.cleaned_data[f"{name}_{item.position}"]
