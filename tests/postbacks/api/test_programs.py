"""Tokens for one program, and the postbacks, partners and event types of another."""

from __future__ import annotations

import pytest

from partners.models import ActionTracker, Partner
from postbacks.models import Postback
from tests.support.api_calls import ApiCaller
from tests.support.factories import (
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
)
from tests.support.postback_calls import ALL, change, errors, fields

pytestmark = pytest.mark.django_db


def test_a_bound_token_neither_sees_nor_uses_another_programs_rows(tracker: ActionTracker, partner: Partner) -> None:
    other = make_tracker(make_program(name="Elsewhere"), name="Hidden sale")
    make_term(other, partner)  # The same partner, with a contract in both.
    hidden = make_postback(other, partner, name="Hidden")
    own = make_postback(tracker, partner, name="Own")
    call = ApiCaller(tracker.program, scopes=["read", "manage"])
    assert [each["id"] for each in call("GET", ALL).json()["postbacks"]] == [own.pk]
    for filters in ({"program": other.program_id}, {"action_tracker": other.pk}, {"name": "Hidden"}):
        assert call.get(ALL, **filters).json()["postbacks"] == []
    for body in (fields(other, partner), fields(tracker, partner, action_tracker=999_999)):
        answer = call("POST", ALL, body)
        assert errors(answer) == {"action_tracker": f"action_tracker: There is no event type {body['action_tracker']}."}
    moved = change(call, own, {"action_tracker": other.pk})
    assert errors(moved) == {"action_tracker": f"action_tracker: There is no event type {other.pk}."}
    assert Postback.objects.get(pk=hidden.pk).name == "Hidden"


def test_a_message_names_no_event_type_of_another_program(tracker: ActionTracker, partner: Partner) -> None:
    make_term(make_tracker(make_program(name="Elsewhere"), name="Hidden sale"), partner)
    missing = make_tracker(tracker.program, name="Without a term")
    answer = ApiCaller(tracker.program, scopes=["manage"])("POST", ALL, fields(missing, partner))
    assert answer.status_code == 400
    assert "Its contracts hold Online Sale" in answer.json()["Message"]
    assert "Hidden" not in answer.content.decode()


def test_a_taken_name_of_another_programs_postback_is_not_named(tracker: ActionTracker, partner: Partner) -> None:
    other = make_tracker(make_program())
    make_term(other, partner)
    hidden = make_postback(other, partner, name="Shared", url="https://hidden.example/")
    answer = ApiCaller(tracker.program, scopes=["manage"])("POST", ALL, fields(tracker, partner, name="Shared"))
    assert answer.status_code == 400
    assert "postback of this name" in answer.json()["Message"]
    assert not {str(hidden.pk), "hidden.example"} & set(answer.json()["Message"].split())


def test_a_partner_without_a_contract_of_the_program_does_not_exist(tracker: ActionTracker) -> None:
    stranger = make_partner()
    call = ApiCaller(tracker.program, scopes=["manage"])
    answers = [
        errors(call("POST", ALL, {**fields(tracker, stranger), "partner": key})) for key in (stranger.pk, 999_999)
    ]
    assert answers == [{"partner": f"partner: There is no partner {key}."} for key in (stranger.pk, 999_999)]
