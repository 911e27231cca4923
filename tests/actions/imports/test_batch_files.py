"""Batch files, which say by their place and not in a column what has happened."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from actions.models import Action
from partners.models import ActionTracker
from tests.actions.imports.test_import_actions import run
from tests.support.factories import record_action
from tests.support.import_files import amounts

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("event", ["modified", "reversed"])
def test_a_batch_file_by_order_is_recognised(
    tracker: ActionTracker, write_file: Callable[..., Path], event: str
) -> None:
    record_action(tracker, OrderId="A", Amount="5")
    path = write_file(f"Oid,ActionTrackerId,Reason,CustomerStatus\nA,{tracker.pk},CONS_FRAUD,NEW\n")
    told = f"Read as a batch file of actions, named by OrderId and ActionTrackerId: every line is {event}.\n"
    assert run(path, "--event", event) == ("1 recorded, 0 repeated, 0 rejected.\n", told, "")
    action = Action.objects.get()
    assert (action.events.latest("number").kind, action.status_detail) == (event, "CONS_FRAUD")


def test_a_batch_file_by_action_is_recognised(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    action = record_action(tracker, Amount="5").action
    path = write_file(f"ActionID;Amount;Reason\n{action.action_id};4.00;ITEM_RETURNED\n")
    out, told, _ = run(path, "--event", "modified")
    assert out == "1 recorded, 0 repeated, 0 rejected.\n"
    assert told.splitlines() == [
        "Read with semicolons between the values.",
        "Read as a batch file of actions, named by ActionId: every line is modified.",
    ]
    assert Action.objects.get().amount == Decimal("4.00")


@pytest.mark.parametrize(
    "columns",
    [
        "ActionID,Sku,Quantity,Amount,Reason",
        "ActionId,Sku1,Quantity1,Amount1,Reason",
        "action_id,SKU,quantity,amount,reason",
    ],
)
def test_an_item_file_is_recognised(tracker: ActionTracker, write_file: Callable[..., Path], columns: str) -> None:
    action = record_action(tracker, Items=[{"Sku": "S", "SubTotal": "5"}, {"Sku": "T", "SubTotal": "2"}]).action
    path = write_file(f"{columns}\n{action.action_id},S,1,3.00,ITEM_RETURNED\n")
    out, told, _ = run(path, "--event", "modified")
    assert out == "1 recorded, 0 repeated, 0 rejected.\n"
    assert told == "Read as a batch file of items, whose actions are named by ActionId: every line is modified.\n"
    assert Action.objects.get().amount == Decimal("5.00")


def test_an_amount_in_a_file_of_reversals_is_noted(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    action = record_action(tracker, Amount="5").action
    out, told, _ = run(write_file(f"ActionID,Amount,Reason\n{action.action_id},4,OTHER\n"), "--event", "reversed")
    assert out == "1 recorded, 0 repeated, 0 rejected.\n"
    assert "Line 2: note: Amount is not used: a reversal takes the whole order back.\n" in told
    assert Action.objects.get().amount == 0


@pytest.mark.parametrize(
    ("columns", "arguments", "cause"),
    [
        ("Oid,ActionTrackerId,Reason", (), "give --event modified or --event reversed"),
        ("ActionID,Amount,Reason", (), "give --event modified or --event reversed"),
        ("ActionID,Sku,Quantity", ("--event", "reversed"), "A reversal takes whole orders back"),
        ("Oid,Reason", ("--event", "reversed"), "There is no column ActionTrackerId, which changes by order id need."),
    ],
)
def test_a_batch_file_that_says_too_little_is_refused_once(
    write_file: Callable[..., Path], columns: str, arguments: tuple[str, ...], cause: str
) -> None:
    out, errors, error = run(write_file(f"{columns}\n1,2,3\n4,5,6\n"), *arguments)
    assert (out, errors) == ("", "")
    assert cause in error


def test_a_line_keeps_the_event_that_it_says(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    for order in "AB":
        record_action(tracker, OrderId=order, Amount="5")
    path = write_file(f"Oid,ActionTrackerId,event,Amount\nA,{tracker.pk},,4\nB,{tracker.pk},Reversed,\n")
    out, told, _ = run(path, "--event", "modified")
    assert (out, told) == (
        "2 recorded, 0 repeated, 0 rejected.\n",
        "Lines whose Event is empty are read as modified.\n",
    )
    assert amounts() == {"A": "4.00", "B": "0.00"}


def test_json_lines_take_the_event_too(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    record_action(tracker, OrderId="A", Amount="5")
    path = write_file(json.dumps({"ActionTrackerId": tracker.pk, "Oid": "A"}) + "\n", "a.jsonl")
    assert run(path, "--event", "reversed")[0] == "1 recorded, 0 repeated, 0 rejected.\n"
