"""Check only: what reports would come to, said by what recording them does, and nothing of it stays."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from actions.models import Action
from partners.models import ActionTracker, Partner
from postbacks.lifecycle import pause
from postbacks.models import Delivery, Postback
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_tracker,
    record_action,
    report_fields,
)

pytestmark = pytest.mark.django_db


def checked(client: Client, *reports: dict[str, Any]) -> Any:
    text = "\n".join(json.dumps(report) for report in reports)
    return client.post("/admin/actions/action/report/", {"text": text, "check": "1"})


def text_of(answer: Any) -> str:
    return " ".join(unescape(answer.content.decode()).split())


def test_each_line_says_who_is_credited_what_it_pays_and_what_fires(
    root: Client, tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    silent = make_postback(tracker, partner, name="Changes", event_trigger="changes")
    make_postback(make_tracker(), partner, name="Elsewhere")
    bare = make_partner()
    waits = make_postback(tracker, bare)
    answer = checked(
        root,
        report_fields(tracker, partner, OrderId="SS-1", Amount="100"),
        report_fields(tracker, bare, OrderId="SS-2", Amount="100"),
        report_fields(tracker, OrderId="SS-3", CurrencyCode="EUR", Amount="1"),
    )
    first, second = answer.context["looked"]
    assert (first.line, first.order_id, first.amount) == (1, "SS-1", "100.00 USD")
    assert (first.fired, [each.postback for each in first.unfired]) == ([postback], [silent])
    assert first.unfired[0].reasons == ["Its Event Trigger is Changes only; this event is created."]
    assert first.elsewhere == 1
    assert (second.fired, [each.postback for each in second.unfired]) == ([], [waits])
    text = text_of(answer)
    assert f"Credited to {partner}, whom the report named." in text
    assert f"pays {first.payout}" in text
    assert "had no contract with the program" in text
    assert "No postback would fire." in text
    assert not Action.objects.exists()
    assert not Delivery.objects.exists()


def test_a_change_is_checked_with_its_own_event(root: Client, tracker: ActionTracker, partner: Partner) -> None:
    changes = make_postback(tracker, partner, event_trigger="changes")
    new = make_postback(tracker, partner, event_trigger="new")
    pause(changes)
    event = record_action(tracker, partner)
    answer = checked(root, {"Event": "reversed", "ActionId": event.action.action_id})
    (only,) = answer.context["looked"]
    assert (only.what, only.fired, [each.postback for each in only.unfired]) == ("Reversed", [changes], [new])
    assert "its delivery would wait" in text_of(answer)
    assert Action.objects.get().status == Action.Status.PENDING


def test_what_one_may_not_see_is_not_told(client: Client, tracker: ActionTracker, partner: Partner) -> None:
    make_postback(tracker, partner)
    make_postback(tracker, make_media_source(name="Secret Ads"))
    user = User.objects.create_user("someone", is_staff=True)
    client.force_login(user)
    for codes, shown in (
        (["add_action", "view_action"], []),
        (["add_action", "view_action", "view_delivery"], [1]),
        (["add_action", "view_action", "view_delivery", "view_mediasource"], [2]),
    ):
        user.user_permissions.set(Permission.objects.filter(codename__in=codes))
        answer = checked(client, report_fields(tracker, partner))
        assert [len(each.fired) for each in answer.context["looked"]] == shown


def test_the_first_lines_are_looked_at(root: Client, tracker: ActionTracker, partner: Partner) -> None:
    answer = checked(root, *(report_fields(tracker, partner) for _ in range(12)))
    assert [each.line for each in answer.context["looked"]] == list(range(1, 11))
    assert "The first 10 are shown." in text_of(answer)
