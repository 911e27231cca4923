"""What is found to be told: each change once, to the channels that have chosen it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from actions.models import ActionEvent, ImportPart, ImportRun
from notices.events import Event
from notices.models import Channel, Notice, Watch
from notices.telling import News, tell
from notices.watching.ended import tell_of_imports, tell_of_replays
from notices.watching.failing import tell_of_failing
from notices.watching.health import tell_of_health
from notices.watching.quiet import note_conversions, tell_of_quiet
from partners.models import ActionTracker
from postbacks.admin.destinations.release import release
from postbacks.delivery_log.failing import Failing
from postbacks.models import Lane, Postback, Replay
from tests.support.channels import make_channel
from tests.support.factories import make_program, make_tracker, record_action

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pages")]

FAILING = Failing(11, 20, "status", "Status 500 is not a success.")


def titles(channel: Channel | None = None) -> list[str]:
    found = Notice.objects.order_by("pk")
    rows = found.filter(channel=channel) if channel else found
    return [row.content["title"] for row in rows]


def hold(postback: Postback, since: datetime) -> None:
    Lane.objects.update_or_create(
        postback=postback, defaults={"held_since": since, "probe_at": since, "notice": Lane.Notice.HELD}
    )


def answer_again(postback: Postback) -> None:
    Lane.objects.filter(postback=postback).update(held_since=None, probe_at=None, notice=Lane.Notice.RELEASED)


def test_a_hold_and_its_end_are_told_once_each(postback: Postback) -> None:
    channel = make_channel()
    now = timezone.now()
    hold(postback, now)
    for _ in range(3):
        tell_of_health(now)
    answer_again(postback)
    for _ in range(3):
        tell_of_health(now + timedelta(minutes=1))
    assert titles(channel) == ["Held: Compass: Sales", "Released: Compass: Sales"]
    assert [row.event for row in Notice.objects.order_by("pk")] == [Event.HELD, Event.RELEASED]
    assert Notice.objects.filter(content__path=f"/admin/postbacks/postback/{postback.pk}/change/").count() == 2


def test_a_destination_that_goes_up_and_down_is_told_once_an_hour(postback: Postback) -> None:
    make_channel()
    now = timezone.now()
    for minute in range(0, 55, 5):
        hold(postback, now + timedelta(minutes=minute))
        tell_of_health(now + timedelta(minutes=minute, seconds=30))
        answer_again(postback)
        tell_of_health(now + timedelta(minutes=minute + 2))
    assert titles() == ["Held: Compass: Sales", "Released: Compass: Sales"]
    hold(postback, now + timedelta(minutes=55))
    tell_of_health(now + timedelta(minutes=56))
    assert len(titles()) == 2
    tell_of_health(now + timedelta(minutes=62))
    assert titles()[2:] == ["Held: Compass: Sales"]


def test_what_an_operator_has_released_is_not_told_and_the_next_hold_is(postback: Postback) -> None:
    make_channel()
    now = timezone.now()
    hold(postback, now)
    tell_of_health(now)
    assert release(postback)
    tell_of_health(now)
    answer_again(postback)
    tell_of_health(now)
    assert titles() == ["Held: Compass: Sales"]


def test_one_that_has_paused_itself_or_is_deleted(postback: Postback) -> None:
    make_channel()
    Postback.objects.filter(pk=postback.pk).update(paused_at=timezone.now(), pause_reason="It answered 410 Gone.")
    Lane.objects.create(postback=postback, notice=Lane.Notice.PAUSED)
    tell_of_health(timezone.now())
    tell_of_health(timezone.now())
    assert titles() == ["Paused: Compass: Sales"]
    assert "It answered 410 Gone." in Notice.objects.get().content["text"]
    Postback.objects.filter(pk=postback.pk).update(deleted_at=timezone.now())
    hold(postback, timezone.now())
    tell_of_health(timezone.now())
    assert (titles(), Lane.objects.get().notice) == (["Paused: Compass: Sales"], "")


def test_only_channels_that_chose_the_event_and_the_program_are_told(postback: Postback) -> None:
    program = postback.action_tracker.program_id
    other = make_program()
    told = [make_channel(), make_channel(program_ids=[other.pk, program]), make_channel(events=[Event.HELD])]
    make_channel(events=[Event.RELEASED])
    make_channel(program_ids=[other.pk])
    make_channel(active=False)
    hold(postback, timezone.now())
    tell_of_health(timezone.now())
    assert set(Notice.objects.values_list("channel", flat=True)) == {channel.pk for channel in told}


def test_telling_the_same_again_does_nothing() -> None:
    make_channel()
    for expected in (1, 0):
        assert tell(News(Event.IMPORT, "import:1", "Import ended", "", "/admin/")) == expected
    assert Notice.objects.count() == 1


def test_failing_is_told_when_it_begins_and_when_it_is_over(postback: Postback) -> None:
    make_channel()
    now = timezone.now()
    for failing in ({}, *[{postback.pk: FAILING}] * 3, {}, {}):
        now += timedelta(minutes=1)
        tell_of_failing(failing, now)
    tell_of_failing({postback.pk: FAILING}, now + timedelta(minutes=1))
    assert titles() == [
        "Failing: Compass: Sales",
        "No longer failing: Compass: Sales",
        "Failing: Compass: Sales",
    ]


@pytest.mark.parametrize("rests", ["held", "paused"])
def test_one_that_rests_is_not_told_to_fail_no_longer(postback: Postback, rests: str) -> None:
    make_channel(events=[Event.FAILING])
    now = timezone.now()
    tell_of_failing({postback.pk: FAILING}, now)
    if rests == "held":
        hold(postback, now)
    else:
        Postback.objects.filter(pk=postback.pk).update(paused_at=now)
    tell_of_failing({}, now)
    assert titles() == ["Failing: Compass: Sales"]
    Lane.objects.update(held_since=None, probe_at=None)
    Postback.objects.update(paused_at=None)
    tell_of_failing({postback.pk: FAILING}, now)
    assert titles() == ["Failing: Compass: Sales"]


def test_a_program_is_told_to_be_quiet_once_and_when_conversions_come_again(tracker: ActionTracker) -> None:
    start = timezone.now()
    channel = make_channel(quiet_hours=6)
    note_conversions(start - timedelta(minutes=1))
    record_action(tracker)
    note_conversions(start)
    for hours in (0, 5, 6.1, 7, 30):
        tell_of_quiet(start + timedelta(hours=hours))
    assert titles() == ["Nothing came in: Summit"]
    assert "for 6 hours" in Notice.objects.get().content["text"]
    later = ActionEvent.objects.get(pk=record_action(tracker).pk)
    ActionEvent.objects.filter(pk=later.pk).update(recorded_at=start + timedelta(hours=31))
    Watch.objects.filter(kind=Watch.Kind.LOOKED).update(at=start + timedelta(hours=30))
    note_conversions(start + timedelta(hours=31))
    for hours in (31, 32, 36.9):
        tell_of_quiet(start + timedelta(hours=hours))
    assert titles(channel) == ["Nothing came in: Summit", "Conversions again: Summit"]
    tell_of_quiet(start + timedelta(hours=37.1))
    assert titles()[2:] == ["Nothing came in: Summit"]


def test_a_program_without_a_conversion_is_not_told_at_first_start(tracker: ActionTracker) -> None:
    record_action(tracker)
    make_channel(quiet_hours=1)
    make_program(name="New")
    now = timezone.now() + timedelta(minutes=10)
    for hours in (0, 2, 200):
        note_conversions(now + timedelta(hours=hours))
        tell_of_quiet(now + timedelta(hours=hours))
    assert titles() == []


def test_each_channel_has_its_own_hours_and_programs(tracker: ActionTracker) -> None:
    other = make_tracker(make_program(name="Ridge"))
    now = timezone.now()
    note_conversions(now - timedelta(minutes=1))
    record_action(tracker)
    record_action(other)
    note_conversions(now)
    soon, late = make_channel(quiet_hours=2), make_channel(quiet_hours=48)
    ridge = make_channel(quiet_hours=2, program_ids=[other.program_id])
    tell_of_quiet(now + timedelta(hours=3))
    assert (sorted(titles(soon)), titles(ridge)) == (
        ["Nothing came in: Ridge", "Nothing came in: Summit"],
        ["Nothing came in: Ridge"],
    )
    assert titles(late) == []


def test_a_channel_that_is_new_is_not_told_of_what_is_old(tracker: ActionTracker) -> None:
    now = timezone.now()
    Watch.objects.create(kind=Watch.Kind.CONVERSION, subject=tracker.program_id, at=now - timedelta(days=90))
    make_channel(quiet_hours=6)
    tell_of_quiet(now + timedelta(hours=5))
    assert titles() == []
    tell_of_quiet(now + timedelta(hours=7))
    assert titles() == ["Nothing came in: Summit"]


def test_replays_and_imports_that_end_are_told_once() -> None:
    make_channel()
    now = timezone.now()
    ended = now + timedelta(seconds=5)
    Replay.objects.create(selection={}, described="", state="finished", planned=1200, made=1200, ended_at=ended)
    Replay.objects.create(selection={}, described="", state="cancelled", planned=9, made=4, ended_at=ended)
    Replay.objects.create(selection={}, described="", planned=9)
    run = ImportRun.objects.create(name="orders.csv", sha256="0", completed_at=ended)
    ImportPart.objects.create(run=run, number=1, recorded=1500, repeated=2, rejections=[[1, "X", "no"]])
    ImportPart.objects.create(run=run, number=2, recorded=1, waiting=3)
    ImportRun.objects.create(name="other.csv", sha256="1")
    for _ in range(2):
        tell_of_replays(now)
        tell_of_imports(now)
    texts = [row.content["text"] for row in Notice.objects.order_by("pk")]
    assert texts == [
        "All of its deliveries are handed over: 1,200 of 1,200.",
        "It was cancelled: 4 of 9.",
        "1,501 recorded, 2 repeated, 1 rejected, 3 waiting for their orders.",
    ]
    make_channel()
    tell_of_replays(now + timedelta(hours=1))
    assert Notice.objects.count() == 5, "what ended after a channel was made, which here is nearly at once"
