"""Conditions, rules read back in words and the folded part of the form, without a browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from accounts.audit.words import history_of
from partners.models import ActionTracker, Partner
from postbacks.admin.integrations.copying import copy_to
from postbacks.conditions.lines import read_lines
from postbacks.models import Postback
from tests.support.factories import make_media_source, make_partner, make_postback, make_term, record_action

pytestmark = pytest.mark.django_db
TEXT = "Amount at least 50\nevery items.cat is not Shoes"


@pytest.fixture
def admin_client(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("administrator"))
    return client


def typed(tracker: ActionTracker, partner: Partner, **more: Any) -> dict[str, Any]:
    url = "https://receiver.example/in?id={ActionId}"
    first = {"event_trigger": "always", "scope": "all", "action_tracker": tracker.pk, "partner": partner.pk}
    return {**first, "url": url, "method": "GET", "minimum_delay_seconds": "0", **more}


def saved(client: Client, fields: dict[str, Any], pk: int | None = None) -> dict[str, list[str]]:
    """The errors of the form by field; none if it was saved."""
    page = reverse(f"admin:postbacks_postback_{'change' if pk else 'add'}", args=[pk] if pk else [])
    answer = client.post(page, fields)
    return {} if answer.status_code == 302 else dict(answer.context["adminform"].form.errors)


def preview(client: Client, fields: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = client.post(reverse("admin:postbacks_postback_preview"), fields).json()
    return told


def test_conditions_are_typed_saved_shown_and_in_the_history(
    admin_client: Client, tracker: ActionTracker, partner: Partner
) -> None:
    assert saved(admin_client, typed(tracker, partner, conditions=f"\r\n{TEXT}\r\n", conditions_match="any")) == {}
    postback = Postback.objects.get()
    assert (postback.conditions, postback.conditions_match) == (read_lines(TEXT), "any")

    page = admin_client.get(reverse("admin:postbacks_postback_change", args=[postback.pk]))
    assert page.context["adminform"].form["conditions"].value() == TEXT

    fields = typed(tracker, partner, name=postback.name, conditions="Amount at least 60", conditions_match="any")
    assert saved(admin_client, fields, postback.pk) == {}
    change = next(each for each in next(iter(history_of(postback))).changes if each.name.lower() == "conditions")
    assert ("50" in change.before, "60" in change.after) == (True, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Amount at least fifty", "Condition 1: Amount: “fifty” is not a number"),
        ("\nAmount is 1\nCustomerCity is Ulm", "Condition 2: The event type hides CustomerCity"),
        ("Amount more than 5", "Line 1 is not a condition. Write a parameter"),
    ],
)
def test_a_mistake_is_told_on_the_conditions(
    admin_client: Client, tracker: ActionTracker, partner: Partner, text: str, message: str
) -> None:
    ActionTracker.objects.filter(pk=tracker.pk).update(hidden_parameters=["CustomerCity"])
    errors = saved(admin_client, typed(tracker, partner, conditions=text))
    assert list(errors) == ["conditions"]
    assert message in errors["conditions"][0]
    told = preview(admin_client, typed(tracker, partner, conditions=text))
    assert message in told["errors"]["conditions"][0]
    assert "conditions" not in told["words"]


def test_the_preview_says_whether_it_would_fire_and_what_everything_means(
    admin_client: Client, tracker: ActionTracker, partner: Partner
) -> None:
    action = record_action(tracker, partner, ItemSubTotal1="12", ItemSku1="A", ItemQuantity1="1").action
    fields = typed(tracker, partner, conditions="Amount at least 50.00", success_response="2xx", error_response="20O")
    told = preview(admin_client, fields)
    assert told["not_fired"] is None, "of the sample values"
    assert told["words"]["conditions"] == "Fires if Amount is at least 50.00."
    assert told["words"]["success_response"] == "Succeeds on 200\N{EN DASH}299; fails on any other status."
    assert "error_response" not in told["words"]
    assert "write 200" in told["errors"]["error_response"][0]

    told = preview(admin_client, {**fields, "error_response": "", "test_send_action": action.action_id})
    assert told["not_fired"] == "Would not fire: Amount 12.00 is below 50.00."
    assert told["request"] is not None


def test_a_copy_and_the_next_one_have_the_conditions_too(
    admin_client: Client, tracker: ActionTracker, partner: Partner
) -> None:
    postback = make_postback(tracker, partner, conditions=read_lines(TEXT), conditions_match="any")
    other = make_partner()
    make_term(tracker, other)
    (copy,) = copy_to([postback], [other]).made
    assert (copy.conditions, copy.conditions_match) == (read_lines(TEXT), "any")
    page = admin_client.get(reverse("admin:postbacks_postback_add"), {"partner": partner.pk, "like": postback.pk})
    form = page.context["adminform"].form
    assert (form["conditions"].value(), form["conditions_match"].value()) == (TEXT, "any")


def test_who_may_not_type_reads_conditions_in_words(client: Client, tracker: ActionTracker) -> None:
    postback = make_postback(tracker, make_media_source(), conditions=read_lines(TEXT))
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.groups.add(*viewer.groups.model.objects.filter(name__iexact="viewer"))
    client.force_login(viewer)
    page = client.get(reverse("admin:postbacks_postback_change", args=[postback.pk])).content.decode()
    assert "Fires if Amount is at least 50 and every item&#x27;s cat is not “Shoes”." in page


@pytest.mark.parametrize(
    ("fields", "opened"),
    [
        ({}, False),
        ({"success_response": "200"}, True),
        ({"minimum_delay_seconds": 60}, True),
        ({"maximum_requests": 5}, True),
    ],
    ids=str,
)
def test_advanced_settings_open_by_themselves_where_something_is_set(
    admin_client: Client, tracker: ActionTracker, partner: Partner, fields: dict[str, Any], *, opened: bool
) -> None:
    postback = make_postback(tracker, partner, **fields)
    page = admin_client.get(reverse("admin:postbacks_postback_change", args=[postback.pk])).content.decode()
    assert ("<details open>" in page) is opened
    assert "<details" in page


def test_advanced_settings_open_by_themselves_where_something_is_wrong(
    admin_client: Client, tracker: ActionTracker, partner: Partner
) -> None:
    fields = typed(tracker, partner, name="x" * 201)
    page = admin_client.post(reverse("admin:postbacks_postback_add"), fields).content.decode()
    assert "at most 200 characters" in page
    assert page.count("<details>") == 1, "of the two parts, the one without a mistake stays folded"
