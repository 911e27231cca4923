"""An action while reports are worked on: what is stored of it, what it stands at now, and what becomes of it. Pure.

A change of an action works out its next `Standing` first, from a report or from the calendar, and only then lets
the state `become` it. A report that is refused on the way has touched nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from actions.models import Action, ActionEvent, Item
from actions.recording.currency import Rates
from actions.recording.discounts import Counting
from actions.recording.lines import Line
from actions.recording.rows import made
from actions.recording.snapshot import Named, as_reported, snapshot
from partners.models import ContractTerm, Figures
from value_types.currencies import smallest_unit

ZERO = Decimal("0.00")
# Python 3.11 takes longer to look these up than to compare them.
_MODIFIED, _REVERSED = ActionEvent.Kind.MODIFIED, ActionEvent.Kind.REVERSED


class Worth(NamedTuple):
    """What an order is worth: `original` in the cart's currency, `amount` the program's, `payout` the partner's."""

    lines: tuple[Line, ...]
    original: Decimal
    amount: Decimal
    payout: Decimal
    order_discount: Decimal | None = None  # As reported, in the cart's currency.

    @property
    def kept(self) -> dict[str, Any]:
        """It as JSON, to be read by `of`."""
        return {
            "lines": [[*map(_text, line[:-1]), line.told] for line in self.lines],
            "original": str(self.original),
            "amount": str(self.amount),
            "payout": str(self.payout),
            "order_discount": _text(self.order_discount),
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Worth:
        """What was `kept`."""
        lines = tuple(
            Line(sku, category, name, quantity, *map(_amount, money))._replace(told=told)
            for sku, category, name, quantity, *money, told in kept["lines"]
        )
        original, amount, payout = (Decimal(kept[name]) for name in ("original", "amount", "payout"))
        return cls(lines, original, amount, payout, _amount(kept["order_discount"]))

    @classmethod
    def of_event(cls, values: Mapping[str, Any]) -> Worth:
        """What the values of an event tell of it: its lines after discounts, with those that are their own."""
        return cls(
            tuple(_rendered_line(item) for item in values.get("items", ())),
            *(Decimal(values[name]) for name in ("OriginalAmount", "Amount", "Payout")),
        )


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _amount(text: str | None) -> Any:
    return None if text is None else Decimal(text)


def _rendered_line(item: Mapping[str, str]) -> Line:
    return Line(
        item.get("sku", ""),
        item.get("cat", ""),
        item.get("name", ""),
        int(item["qty"]),
        Decimal(item["cartamt"]),
        Decimal(item["amt"]),
        _amount(item.get("rbt")),
    )


class Standing(NamedTuple):
    """Everything about an action that can change. Two equal ones mean that nothing has happened."""

    status: str
    status_detail: str
    reported: dict[str, str]
    media_source_ids: list[int]
    worth: Worth


class Currencies(NamedTuple):
    """The currencies of one action, as they were when it was recorded."""

    cart: str
    account: str  # The program's.
    partner: str  # Empty where no partner is credited.

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Between which its money is converted."""
        cart, account, partner = self
        return (
            *(((cart, account),) if cart != account else ()),
            *(((account, partner),) if partner not in ("", account) else ()),
        )


class Bearings(NamedTuple):
    """What no report changes of an action, and what many have in common that are recorded together."""

    currencies: Currencies
    counting: Counting
    named: Named

    @classmethod
    def of(cls, action: Action) -> Bearings:
        """Those of an action, with its program, event type and partner loaded."""
        return cls(
            Currencies(action.original_currency, action.account_currency, action.payout_currency),
            Counting(smallest_unit(action.original_currency), action.counts_discounts),
            Named.of(action),
        )


@dataclass(slots=True)
class ActionState:
    """One action inside the transaction: locked, or new."""

    action: Action  # With its program, event type and partner loaded.
    day: date  # Of its event date, as reported.
    bearings: Bearings
    lines: tuple[Line, ...] = ()
    figures: Figures | None = None  # What its term pays for it.
    events: int = 0
    before_reversal: tuple[Decimal, Decimal] | None = None  # Amount and payout that a restoration brings back.
    created_worth: Worth | None = None  # Where an earlier release has changed it and kept none.
    new: bool = False
    changed: bool = False
    stored_items: list[Item] = field(default_factory=list)

    @classmethod
    def stored(cls, action: Action) -> ActionState:
        """The state of one that is known, without its lines and events."""
        day = as_reported(action.event_date, action.event_utc_offset_minutes).date()
        return cls(action, day, Bearings.of(action), figures=action.figures)

    @property
    def currencies(self) -> Currencies:
        """Of the cart, the program and the partner."""
        return self.bearings.currencies

    @property
    def counting(self) -> Counting:
        """How what is reported of it is counted."""
        return self.bearings.counting

    @property
    def paying_term(self) -> ContractTerm | None:
        """The term that pays for it, unless nobody is paid."""
        return None if self.action.no_payout_reason else self.action.contract_term

    @property
    def paying_figures(self) -> Figures | None:
        """What that term pays."""
        return None if self.action.no_payout_reason else self.figures

    @property
    def worth(self) -> Worth:
        """What it is worth now."""
        action = self.action
        return Worth(self.lines, action.original_amount, action.amount, action.payout, action.order_discount)

    @property
    def worth_as_created(self) -> Worth:
        """What it was worth before its first change."""
        if self.created_worth is not None:
            return self.created_worth
        kept = self.action.created_worth
        return Worth.of(kept) if kept else self.worth

    @property
    def standing(self) -> Standing:
        """What it stands at now."""
        action = self.action
        return Standing(action.status, action.status_detail, action.reported, list(action.media_source_ids), self.worth)

    def known_rates(self, rates: Rates) -> Rates:
        """`rates`, but those that it was converted by before go first."""
        return rates.after(self.action.rates) if self.action.rates else rates

    def keep_rates(self, rates: Rates) -> None:
        """Keep the rates of now between its currencies: later changes are converted by the same."""
        if self.currencies.pairs:
            self.action.rates = rates.between(self.currencies.pairs, self.day) or None

    def become(self, kind: ActionEvent.Kind, standing: Standing) -> ActionEvent:
        """Take on what was worked out; the event of it, with the values of this moment."""
        action, before = self.action, self.worth
        if kind == _REVERSED:
            self.before_reversal = before.amount, before.payout
        if self.events == 1 and kind in (_MODIFIED, _REVERSED):
            action.created_worth = before.kept
        action.status, action.status_detail = standing.status, standing.status_detail
        action.reported, action.media_source_ids = standing.reported, standing.media_source_ids
        self.lines, action.original_amount, action.amount, action.payout, action.order_discount = standing.worth
        self.changed = True
        self.events += 1
        values = {
            "id": None,
            "action_id": action.pk,
            "number": self.events,
            "kind": kind,
            "parameters": self._snapshot(before),
        }
        return made(ActionEvent, values, {"action": action})

    def _snapshot(self, before: Worth) -> dict[str, Any]:
        action = self.action
        deltas = action.amount - before.amount, action.payout - before.payout
        return snapshot(action, self.lines, *deltas, self.bearings.named)
