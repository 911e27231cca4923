"""Contracts in words, as a partner's page tells them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from partners.models import Contract, ContractTerm


def in_words(contract: Contract, terms: Iterable[ContractTerm], currency: str, today: date) -> str:
    """One sentence, such as `Summit, since 1 Mar 2026: Online Sale 10 %, Lead EUR 5`.

    `terms` are those of the contract, each with its event type; `currency` is the partner's.
    """
    paid = ", ".join(_term(term, currency) for term in terms) or "no term, so it pays nothing"
    return f"{contract.program.name}, {_time(contract.start, contract.end, today)}: {paid}"


def day_in_words(day: date) -> str:
    """Such as `1 Mar 2026`."""
    return f"{day.day} {day:%b %Y}"


def _time(start: date, end: date | None, today: date) -> str:
    if end is not None and end < today:
        return f"ended {day_in_words(end)}"
    begin = f"{'since' if start <= today else 'from'} {day_in_words(start)}"
    return begin if end is None else f"{begin} until {day_in_words(end)}"


def _term(term: ContractTerm, currency: str) -> str:
    text = f"{term.action_tracker.name} {_payout(term, currency)}"
    if term.start is not None:
        text += f" (from {day_in_words(term.start)}{f' to {day_in_words(term.end)}' if term.end else ''})"
    return text


def _payout(term: ContractTerm, currency: str) -> str:
    return f"{currency} {_amount(term.payout)}" if term.is_flat else f"{_plain(term.payout)} %"


def _amount(value: Decimal) -> str:
    """`5` for 5.0000, `2.50` for 2.5000, `0.125` for 0.1250."""
    if value % 1 == 0:
        return f"{value:.0f}"
    return f"{value:.2f}" if value * 100 % 1 == 0 else _plain(value)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
