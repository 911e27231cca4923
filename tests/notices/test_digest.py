"""The daily digest: days of the server, the channel's programs, the day before beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from actions.models import ActionEvent
from notices.digest import digest_of
from notices.models import Watch
from partners.models import ActionTracker
from postbacks.metrics.tally import as_text
from postbacks.models import Lane, Postback, Rollup, Tally
from tests.support.channels import make_channel
from tests.support.delivery_rows import make_delivery
from tests.support.factories import make_media_source, make_postback, make_tracker, record_action

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pages")]


@pytest.fixture(autouse=True)
def _berlin(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"


def came_in(tracker: ActionTracker, *times: datetime) -> None:
    for at in times:
        ActionEvent.objects.filter(pk=record_action(tracker).pk).update(recorded_at=at)


def ended(postback: int, at: datetime, **counts: int) -> None:
    Rollup.objects.create(period="hour", at=at, postback_key=postback, **counts)


def test_yesterday_against_the_day_before_on_a_day_of_25_hours(tracker: ActionTracker, postback: Postback) -> None:
    """The clocks went back in the night to Sunday, 25 October 2026."""
    sunday, monday = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)
    came_in(tracker, sunday, monday - timedelta(seconds=1), monday, sunday - timedelta(hours=24))
    came_in(tracker, sunday - timedelta(seconds=1), sunday - timedelta(hours=24, seconds=1))
    for key in (0, postback.pk):
        ended(key, sunday, delivered=5, failed=1)
        ended(key, monday - timedelta(hours=1), delivered=2)
        ended(key, monday, delivered=100)
        ended(key, sunday - timedelta(hours=1), delivered=3)
    now = monday + timedelta(hours=8)
    Postback.objects.update(created_at=sunday)
    content = digest_of(make_channel(), now)
    assert content["title"] == "Daily digest: Sun 25 Oct 2026"
    assert content["lines"][:4] == [
        "Yesterday (Europe/Berlin), and in brackets the day before:",
        "Came in: 2 (2).",
        "Delivered: 7 (3).",
        "Given up: 1 (0).",
    ]
    assert content["lines"][4:6] == ["Failing now: none.", "Held now: none."]


@pytest.mark.parametrize("of_program", [False, True], ids=["all", "of a program"])
def test_what_is_not_in_the_sums_of_hours_yet_is_counted(
    tracker: ActionTracker, postback: Postback, of_program: bool
) -> None:
    midnight = timezone.localtime(timezone.now(), timezone.get_default_timezone()).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    for seconds, counts in ((-5, {"delivered": 2, "failed": 1}), (5, {"delivered": 4})):
        Tally.objects.create(at=midnight + timedelta(seconds=seconds), counts=as_text({postback.pk: counts}))
    channel = make_channel(program_ids=[tracker.program_id]) if of_program else make_channel()
    lines = digest_of(channel, midnight + timedelta(seconds=10))["lines"]
    assert lines[2:4] == ["Delivered: 2 (0).", "Given up: 1 (0)."]


def test_what_is_wrong_now_of_the_channels_programs_alone(tracker: ActionTracker, postback: Postback) -> None:
    now = timezone.now()
    other = make_postback(make_tracker(), make_media_source(name="Ledger *Analytics*"), name="Else")
    Watch.objects.create(kind=Watch.Kind.FAILING, subject=postback.pk, at=now)
    Watch.objects.create(kind=Watch.Kind.FAILING, subject=other.pk, at=now)
    Lane.objects.create(postback=other, held_since=now, probe_at=now)
    make_delivery(postback, due_in_seconds=-3630)
    make_delivery(other, due_in_seconds=-7200)
    ended(0, now, delivered=9)
    every = digest_of(make_channel(), now)["lines"]
    assert every[4] == "Failing now: 2: Compass: Sales; Ledger *Analytics*: Else."
    assert every[5] == "Held now: 1: Ledger *Analytics*: Else."
    assert every[6].startswith("Waiting longest: Ledger *Analytics*: Else, due since ")
    own = digest_of(make_channel(program_ids=[tracker.program_id]), now)["lines"]
    assert own[4:6] == ["Failing now: 1: Compass: Sales.", "Held now: none."]
    assert own[6].startswith("Waiting longest: Compass: Sales, due since ")
    assert own[6].endswith("(60 min).")


def test_when_nothing_waits() -> None:
    assert digest_of(make_channel(), timezone.now())["lines"][-1] == "Waiting longest: nothing is due."
