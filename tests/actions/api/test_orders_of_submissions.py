"""Submissions know the order that their report is about, whatever became of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from actions.models import Submission
from partners.models import ActionTracker, Partner
from tests.support.api import Caller
from tests.support.factories import record_action, report_fields

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({}, "recorded"),
        ({"Amount": "a lot"}, "rejected"),
        ({"CurrencyCode": "EUR", "Amount": "1"}, "rejected"),
        ({"ActionTrackerId": "999999"}, "rejected"),
        ({"OrderId": None, "Oid": " SS-1 ", "Amount": "a lot"}, "rejected"),
    ],
    ids=["recorded", "unreadable", "no rate", "no event type", "another name"],
)
def test_a_conversion(tracker: ActionTracker, partner: Partner, fields: dict[str, Any], result: str) -> None:
    Caller().form("POST", "Conversions", **report_fields(tracker, partner, **{"OrderId": "SS-1", **fields}))
    submission = Submission.objects.get()
    assert (submission.result, submission.order_id) == (result, "SS-1")


def test_a_report_without_an_order_has_none(tracker: ActionTracker) -> None:
    Caller().form("POST", "Conversions", **report_fields(tracker, OrderId=None))
    assert Submission.objects.get().order_id == ""


def test_a_change_by_the_actions_id_has_the_order_of_its_action(tracker: ActionTracker, partner: Partner) -> None:
    event = record_action(tracker, partner, OrderId="SS-1")
    Caller().form("DELETE", "Actions", ActionId=event.action.action_id, Reason="RETURNED")
    submission = Submission.objects.get()
    assert (submission.result, submission.order_id) == ("recorded", "SS-1")


def test_the_lines_of_a_batch(tracker: ActionTracker) -> None:
    lines = [
        report_fields(tracker, OrderId="SS-1", Amount="a lot"),
        {"Event": "reversed", "ActionTrackerId": tracker.pk, "OrderId": "SS-2"},
    ]
    answer = Caller()("POST", "Conversions/Batch", "\n".join(map(json.dumps, lines)), form="application/x-ndjson")
    b"".join(answer.streaming_content)
    rows = Submission.objects.exclude(line=None).order_by("line")
    assert [(row.result, row.order_id) for row in rows] == [("rejected", "SS-1"), ("waiting", "SS-2")]


def test_the_list_of_submissions_finds_an_order(root: Client, tracker: ActionTracker) -> None:
    for order_id in ("SS-1", "17", "SS-2"):
        Caller().form("POST", "Conversions", **report_fields(tracker, OrderId=order_id, Amount="a lot"))
    for term in ("SS-1", "17"):
        found = root.get("/admin/actions/submission/", {"q": term}).context["cl"].result_list
        assert term in [row.order_id for row in found]
        assert "SS-2" not in [row.order_id for row in found]
    found = root.get("/admin/actions/submission/", {"q": "malformed"}).context["cl"].result_list
    assert len(found) == 3
