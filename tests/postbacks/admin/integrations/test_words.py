"""What an owner's page says: how its postbacks are, and what its contracts pay."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from partners.contract_words import in_words
from partners.models import ActionTracker, Contract, ContractTerm, Program
from postbacks.admin.integrations.health import health_of
from postbacks.state import State

TODAY = date(2026, 11, 26)


def states(**counts: int) -> list[State]:
    return [State(key, key.capitalize(), "") for key, count in counts.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("given", "key", "text"),
    [
        ({}, "none", "It has no postbacks, so it is told nothing."),
        ({"active": 1}, "active", "Its only postback is active."),
        ({"active": 2}, "active", "Both postbacks are active."),
        ({"paused": 3}, "paused", "All 3 postbacks are paused."),
        (
            {"active": 2, "paused": 1, "held": 1},
            "held",
            "Of 4 postbacks, 1 is held: its destination does not answer, 1 is paused and 2 are active.",
        ),
        ({"active": 1, "tired": 2}, "active", "Of 3 postbacks, 1 is active and 2 are tired."),
    ],
)
def test_the_health_of_an_owner_in_words(given: dict[str, int], key: str, text: str) -> None:
    found = health_of(states(**given))
    assert (found.key, found.text) == (key, text)


def term(name: str, payout: str, kind: str = "percentage", **fields: date) -> ContractTerm:
    return ContractTerm(
        action_tracker=ActionTracker(name=name), payout_type=getattr(ContractTerm.PayoutType, kind.upper()),
        payout=Decimal(payout), **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "terms", "words"),
    [
        (
            date(2026, 3, 1),
            None,
            [term("Online Sale", "10.0000"), term("Lead", "5.0000", "flat")],
            "Summit, since 1 Mar 2026: Online Sale 10 %, Lead EUR 5",
        ),
        (date(2027, 1, 1), date(2027, 6, 30), [term("Lead", "2.5", "flat")],
         "Summit, from 1 Jan 2027 until 30 Jun 2027: Lead EUR 2.50"),
        (date(2020, 1, 1), date(2025, 12, 31), [term("Lead", "0.125", "flat")],
         "Summit, ended 31 Dec 2025: Lead EUR 0.125"),
        (date(2026, 11, 26), date(2026, 11, 26), [],
         "Summit, since 26 Nov 2026 until 26 Nov 2026: no term, so it pays nothing"),
        (
            date(2026, 3, 1),
            None,
            [term("S", "100"), term("S", "12.5", start=date(2026, 11, 20), end=date(2026, 11, 30)),
             term("S", "9", start=date(2026, 12, 24))],
            "Summit, since 1 Mar 2026: S 100 %, S 12.5 % (from 20 Nov 2026 to 30 Nov 2026), S 9 % (from 24 Dec 2026)",
        ),
    ],
    ids=["open", "to come", "ended", "without terms", "scheduled"],
)  # fmt: skip
def test_a_contract_in_words(start: date, end: date | None, terms: list[ContractTerm], words: str) -> None:
    contract = Contract(program=Program(name="Summit"), start=start, end=end)
    assert in_words(contract, terms, "EUR", TODAY) == words
