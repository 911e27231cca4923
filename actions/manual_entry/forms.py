"""The forms of manual entry: reports as text or a file, and one change of an action."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from actions.models import Action, ActionEvent, Item

Kind = ActionEvent.Kind

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
    """One change of an action. Of its items only those that differ are reported."""

    event = forms.ChoiceField(label="What happened", widget=UnfoldAdminSelectWidget())
    amount = forms.DecimalField(
        required=False,
        min_value=Decimal(0),
        decimal_places=2,
        max_digits=14,
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
        self.fields["event"].choices = [(kind.value, _WORDS[kind]) for kind in kinds]  # type: ignore[attr-defined]  # of a choice
        self.fields["event"].initial = next(iter(kinds), None)
        if Kind.MODIFIED not in kinds:
            del self.fields["amount"]
            self.items = []
        for item in self.items:
            self.fields[f"quantity_{item.position}"] = forms.IntegerField(
                label=f"Quantity of {item}", min_value=0, initial=item.quantity, widget=UnfoldAdminIntegerFieldWidget()
            )
            self.fields[f"sub_total_{item.position}"] = forms.DecimalField(
                label=f"Subtotal of {item}",
                min_value=Decimal(0),
                decimal_places=2,
                max_digits=14,
                initial=item.sub_total,
                widget=UnfoldAdminDecimalFieldWidget(),
            )

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
        changed = {
            item.sku
            for item in self.items
            if (self._given("quantity", item), self._given("sub_total", item)) != (item.quantity, item.sub_total)
        }
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
