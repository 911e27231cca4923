"""Which postbacks an event did not fire, and why: with the rules and the set-up of its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from actions.models import Action, ActionEvent
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Partner
from postbacks.lifecycle import delete_postback
from postbacks.models import Delivery, Postback
from postbacks.why.answers import MOST_ROWS, Answers, Unfired, answers_of
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_term,
    make_tracker,
    record_action,
    record_change,
)

pytestmark = pytest.mark.django_db


def answers(event: ActionEvent, **asked: Any) -> Answers:
    action = Action.objects.get(pk=event.action_id)
    return answers_of(action, ActionEvent.objects.filter(action=action), **{"networks": True, **asked})


def answer(event: ActionEvent, postback: Postback, **asked: Any) -> Unfired:
    (found,) = (each for each in answers(event, **asked).unfired[event.pk] if each.postback == postback)
    return found


def changed(postback: Postback, **fields: Any) -> Postback:
    """Saved with the new values, as the form does."""
    for name, value in fields.items():
        setattr(postback, name, value)
    postback.save()
    return postback


def test_what_fired_is_no_question(tracker: ActionTracker, partner: Partner) -> None:
    make_postback(tracker, partner)
    event = record_action(tracker, partner)
    found = answers(event)
    assert (found.unfired[event.pk], found.elsewhere, found.more) == ([], [], False)


def test_each_event_has_answers_of_its_own(tracker: ActionTracker, partner: Partner) -> None:
    new = make_postback(tracker, partner, event_trigger="new")
    changes = make_postback(tracker, partner, event_trigger="changes")
    created = record_action(tracker, partner, Amount="10")
    modified = record_change(created, "modified", Amount="5")
    found = answers(created).unfired
    assert {event: [each.postback for each in rows] for event, rows in found.items()} == {
        created.pk: [changes],
        modified.pk: [new],
    }
    assert found[created.pk][0].reasons == ["Its Event Trigger is Changes only; this event is created."]


def test_a_partner_without_a_term_hears_why_and_may_be_sent_it(tracker: ActionTracker) -> None:
    partner = make_partner()
    postback = make_postback(tracker, partner)
    told = answer(record_action(tracker, partner), postback)
    assert (told.reasons, told.sendable) == (["No contract term of the partner covers the action."], True)


def test_a_partner_that_is_asked_for_hears_who_got_it_and_is_not_sent_it(
    tracker: ActionTracker, partner: Partner
) -> None:
    other = make_partner(name="Rhine")
    postback = make_postback(tracker, other)
    event = record_action(tracker, partner)
    assert not answers(event).unfired[event.pk]
    told = answer(event, postback, asked_for=other)
    assert told.reasons == [f"The action is credited to {partner}."]
    assert not told.sendable


def test_networks_are_told_only_to_those_who_may_see_them(tracker: ActionTracker, partner: Partner) -> None:
    network: MediaSource = make_media_source(name="Ads")
    postback = make_postback(tracker, network, scope="involved")
    event = record_action(tracker, partner)
    assert "its network took part in" in answer(event, postback).reasons[0]
    assert answers(event, networks=False).unfired[event.pk] == []


def test_a_network_that_is_asked_for_is_told_of_alone(tracker: ActionTracker, partner: Partner) -> None:
    asked, other = make_media_source(), make_media_source()
    postback = make_postback(tracker, asked, event_trigger="changes")
    make_postback(tracker, other, event_trigger="changes")
    event = record_action(tracker, partner)
    assert len(answers(event).unfired[event.pk]) == 2
    assert [each.postback for each in answers(event, asked_for=asked).unfired[event.pk]] == [postback]
    assert answers(event, asked_for=asked, networks=False).unfired[event.pk] == []


def test_more_than_anybody_reads_is_cut_and_said(tracker: ActionTracker, partner: Partner) -> None:
    network = make_media_source()
    for number in range(MOST_ROWS + 1):
        make_postback(tracker, network, name=f"n{number}", event_trigger="changes")
    own = make_postback(tracker, partner, event_trigger="changes")
    event = record_action(tracker, partner)
    found = answers(event)
    assert found.more
    assert len(found.unfired[event.pk]) == MOST_ROWS
    assert found.unfired[event.pk][0].postback == own


def test_postbacks_of_other_event_types_stand_apart(tracker: ActionTracker, partner: Partner) -> None:
    elsewhere = make_postback(make_tracker(tracker.program), partner)
    event = record_action(tracker, partner)
    found = answers(event)
    assert (found.unfired[event.pk], found.elsewhere) == ([], [elsewhere])


def test_a_postback_that_was_added_later_would_fire_today(tracker: ActionTracker, partner: Partner) -> None:
    event = record_action(tracker, partner)
    told = answer(event, make_postback(tracker, partner))
    assert told.reasons[0].startswith("It was added on ")
    assert "after this event" in told.reasons[0]
    assert told.today == "Today it would fire."


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        ("event_trigger", ("changes", "always"), ("is Changes only", "Changes only → Always)")),
        ("scope", ("involved", "all"), ("took part", "Every action of the event type)")),
    ],
    ids=["trigger", "scope"],
)
def test_the_set_up_of_its_time_decided_and_todays_is_told_beside_it(
    tracker: ActionTracker, partner: Partner, field: str, values: tuple[str, str], words: tuple[str, str]
) -> None:
    postback = make_postback(tracker, make_media_source() if field == "scope" else partner, **{field: values[0]})
    event = record_action(tracker, partner)
    changed(postback, **{field: values[1]})
    told = answer(event, postback)
    assert words[0] in told.reasons[0]
    assert told.today.startswith("Today it would fire: changed on ")
    assert told.today.endswith(words[1] + ".")


def test_another_event_type_of_its_time_is_read_back(tracker: ActionTracker, partner: Partner) -> None:
    other = make_tracker(tracker.program, name="Lead")
    postback = make_postback(other, partner)
    event = record_action(tracker, partner)
    changed(postback, action_tracker=tracker)
    told = answer(event, postback)
    assert told.reasons == [f"It is for the event type {other}; the action is of {tracker}."]
    assert told.today.startswith("Today it would fire: changed on ")


def test_an_in_app_event_of_its_time_is_read_back(partner: Partner) -> None:
    app = make_tracker(in_app_events=["SIGN-UP", "LEVEL-9"])
    make_term(app, partner)
    first, second = app.in_app_events.order_by("code")
    postback = make_postback(app, partner, in_app_event=first)
    event = record_action(app, partner, EventCode="SIGN-UP")
    changed(postback, in_app_event=second)
    told = answer(event, postback)
    assert told.reasons == ["It fires on LEVEL-9; this action is SIGN-UP."]
    assert "would fire" in told.today


def test_a_change_that_does_not_help_says_what_is_in_the_way_now(tracker: ActionTracker, partner: Partner) -> None:
    postback = make_postback(tracker, make_media_source(), event_trigger="changes")
    event = record_action(tracker, partner)
    changed(postback, event_trigger="always", scope="involved")
    told = answer(event, postback)
    assert told.reasons == ["Its Event Trigger is Changes only; this event is created."]
    assert told.today.startswith("Today it would not fire either: It is only for actions that its network took part")


def test_what_was_deleted_since_is_told_and_not_sent(tracker: ActionTracker, partner: Partner) -> None:
    postback = make_postback(tracker, partner, event_trigger="changes")
    event = record_action(tracker, partner)
    delete_postback(postback)
    told = answer(event, postback)
    assert told.reasons == ["Its Event Trigger is Changes only; this event is created."]
    assert told.today.startswith("It was deleted on ")
    assert not told.sendable


def test_what_was_deleted_before_is_not_asked(tracker: ActionTracker, partner: Partner) -> None:
    delete_postback(make_postback(tracker, partner))
    event = record_action(tracker, partner)
    assert answers(event).unfired[event.pk] == []


def test_an_event_whose_deliveries_are_past_their_time_says_so(
    tracker: ActionTracker, partner: Partner, settings: Any
) -> None:
    postback = make_postback(tracker, partner)
    event = record_action(tracker, partner)
    Delivery.objects.all().delete()
    assert "No record tells why" in answer(event, postback).reasons[0]
    settings.POSTBACKS_DELIVERIES_KEPT_DAYS = 30
    long_ago = timezone.now() - timedelta(days=31)
    ActionEvent.objects.filter(pk=event.pk).update(recorded_at=long_ago)
    Postback.objects.filter(pk=postback.pk).update(created_at=long_ago - timedelta(days=1))
    assert answer(event, postback).reasons == [
        "It fired by the set-up of that time, but deliveries are kept 30 days only."
    ]


def test_any_number_of_postbacks_takes_four_queries(
    tracker: ActionTracker, partner: Partner, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = record_action(tracker, partner)
    for number in range(6):
        make_postback(tracker, partner, name=f"p{number}")
        make_postback(make_tracker(tracker.program), make_media_source(), name="elsewhere")
    action = Action.objects.select_related("partner", "action_tracker").get(pk=event.action_id)
    events = list(ActionEvent.objects.filter(action=action))
    answers_of(action, events, networks=True)  # Learns the content type.
    with django_assert_num_queries(4):
        found = answers_of(action, events, networks=True)
    assert (len(found.unfired[event.pk]), len(found.elsewhere)) == (6, 6)
