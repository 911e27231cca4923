"""The dashboard: its figures are those of the roll-ups over the span, and few statements read them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postbacks.admin.dashboard.chart import HEIGHT, WIDTH, chart
from postbacks.admin.dashboard.spans import SPANS, span_named
from postbacks.lifecycle import PAUSED_TOGETHER
from postbacks.metrics.counters import TOOK, TOOK_MS, place
from postbacks.metrics.fold import ALL
from postbacks.metrics.read import Sums
from postbacks.models import Lane, Rollup
from tests.support.delivery_rows import make_delivery, make_lane
from tests.support.factories import make_partner, make_postback, make_term, make_tracker

pytestmark = pytest.mark.django_db


def put(
    postback: int,
    at: datetime,
    period: str = Rollup.Period.HOUR,
    details: dict[str, int] | None = None,
    **counts: int,
) -> None:
    """Adds to the rows of the roll-ups, of the postback and of all together."""
    for key in (postback, ALL):
        row, _ = Rollup.objects.get_or_create(period=period, postback_key=key, at=at)
        for name, count in counts.items():
            setattr(row, name, getattr(row, name) + count)
        row.details = Counter(row.details) + Counter(details or {})
        row.save()


def this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def figures_of(client: Client, span: str = "day") -> Any:
    answer = client.get("/admin/", {"span": span})
    assert answer.status_code == 200
    return answer.context["figures"]


@pytest.mark.parametrize(
    ("name", "since", "steps"),
    [
        ("hour", "2026-11-25 11:08", 60),
        ("day", "2026-11-24 13:00", 24),
        ("week", "2026-11-18 13:00", 42),
        ("nonsense", "2026-11-24 13:00", 24),
    ],
)
def test_a_span_ends_with_the_step_that_holds_now(name: str, since: str, steps: int) -> None:
    span = span_named(name)
    now = datetime(2026, 11, 25, 12, 7, 31, 5, tzinfo=UTC)

    assert f"{span.since(now):%Y-%m-%d %H:%M}" == since
    assert span.steps == steps
    assert span.since(now) + span.steps * span.step > now


def test_bars_are_stacked_to_scale() -> None:
    start = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
    sums = [Sums(delivered=500, failed=250), Sums(), Sums(delivered=1400, failed=1, cancelled=100)]
    drawn = chart([(start + timedelta(hours=number), each) for number, each in enumerate(sums)], timedelta(hours=1))

    assert drawn.top == 2000
    assert [bar.x for bar in drawn.bars] == [0, WIDTH / 3, 2 * WIDTH / 3]
    assert [[(part.outcome, part.height) for part in bar.parts] for bar in drawn.bars] == [
        [("delivered", HEIGHT / 4), ("failed", HEIGHT / 8)],
        [],
        [("delivered", HEIGHT * 0.7), ("failed", 1.0), ("cancelled", HEIGHT / 20)],
    ]
    assert drawn.bars[0].parts[1].y == HEIGHT - HEIGHT / 4 - HEIGHT / 8
    assert [bar.label for bar in drawn.bars] == ["10:00", "11:00", "12:00"]


@pytest.mark.parametrize(("most", "top"), [(0, 1), (1, 1), (9, 9), (10, 10), (11, 15), (999, 1000), (1501, 2000)])
def test_the_scale_ends_at_a_round_number(most: int, top: int) -> None:
    step = timedelta(hours=1)
    assert chart([(datetime(2026, 11, 25, tzinfo=UTC), Sums(delivered=most))], step).top == top


def test_the_figures_are_those_of_the_span(root: Client) -> None:
    lane, other, hour = make_lane(), make_lane(), this_hour()
    fast, slow = f"{TOOK}{place(TOOK_MS, 25)}", f"{TOOK}{place(TOOK_MS, 900)}"
    put(lane.pk, hour, attempts=90, delivered=80, failed=10, details={fast: 90, "why:refused": 10})
    put(lane.pk, hour - timedelta(hours=23), attempts=4, delivered=4, details={fast: 4})
    put(other.pk, hour, attempts=6, delivered=5, cancelled=2, details={slow: 6, "why:status_5xx": 1, "why:dns": 1})
    put(other.pk, hour - timedelta(hours=24), attempts=1000, failed=1000)
    put(other.pk, timezone.now().replace(second=0, microsecond=0), Rollup.Period.MINUTE, attempts=7, delivered=7)

    day = figures_of(root)
    assert (day.sums.attempts, day.sums.delivered, day.sums.failed, day.sums.cancelled) == (100, 89, 10, 2)
    assert day.success_percent == pytest.approx(100 * 89 / 99)
    assert (day.attempts_percent, day.first_percent) == (0, None), "first attempts were not counted then"
    p50, p95, p99 = [ms for _, ms in day.latency_ms]
    assert 20 < p50 < 30
    assert 700 < p95 < p99 <= 1000
    assert [sum(bar.counts.values()) for bar in day.chart.bars] == [4, *[0] * 22, 97]
    assert [(each.label, each.counted.count) for each in day.reasons] == [
        ("Connection refused", 10),
        ("Host name not found", 1),
        ("Status 5xx", 1),
    ]
    assert day.reasons[0].percent == pytest.approx(100 * 10 / 12)
    assert [(each.postback, each.sums.attempts, each.sums.failed) for each in day.destinations] == [
        (lane, 94, 10),
        (other, 6, 0),
    ]
    assert figures_of(root, "week").sums.failed == 1010
    assert figures_of(root, "hour").sums.attempts == 7


def test_what_was_tried_is_shown_beside_what_became_of_it(root: Client) -> None:
    counted = {"first": 40, "first_succeeded": 10}
    put(make_lane().pk, this_hour(), attempts=100, succeeded=20, delivered=30, details=counted)

    day = figures_of(root)

    assert (day.success_percent, day.attempts_percent, day.first_percent) == (100, 20, 25)


def test_what_paused_itself_is_shown_and_what_an_operator_paused_is_not(root: Client) -> None:
    now = timezone.now()
    gone = make_lane(paused_at=now, pause_reason="410 Gone.")
    make_lane(paused_at=now)
    make_lane(paused_at=now, pause_reason=PAUSED_TOGETHER)  # By *Pause all*.

    assert [(row.postback, row.since, row.why) for row in figures_of(root).paused] == [(gone, now, "410 Gone.")]


def test_what_waits_and_what_is_held_is_shown_first(root: Client) -> None:
    lane = make_lane()
    now = timezone.now()
    Lane.objects.create(postback=lane, held_since=now, probe_at=now)
    make_lane(paused_at=now)
    due = make_delivery(lane, due_in_seconds=-120)
    make_delivery(lane, due_in_seconds=60)

    figures = figures_of(root)

    assert [row.postback for row in figures.held] == [lane]
    assert not figures.more_held
    assert (figures.waiting, figures.oldest_due) == ("2", due.due_at)


def test_networks_are_counted_but_not_named_without_optimize(client: Client) -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    of_partner, network = make_postback(tracker, partner), make_lane()
    for number, postback in enumerate((of_partner, network)):
        put(postback.pk, this_hour(), attempts=5 + number, delivered=5 + number)
        Lane.objects.create(postback=postback, held_since=timezone.now(), probe_at=timezone.now())
    sign_in(client, "view_delivery")

    figures = figures_of(client)

    assert figures.sums.delivered == 11
    assert [each.postback for each in figures.destinations] == [of_partner]
    assert [row.postback for row in figures.held] == [of_partner]


def test_who_may_not_see_deliveries_is_welcome_all_the_same(client: Client) -> None:
    sign_in(client, "view_partner")
    answer = client.get("/admin/")

    assert "figures" not in answer.context
    assert "Welcome" in answer.content.decode()


@pytest.mark.parametrize("count", [1, 12])
def test_few_statements_read_it_whatever_there_is(client: Client, count: int) -> None:
    for _ in range(count):
        lane = make_lane()
        make_delivery(lane)
        put(lane.pk, this_hour(), attempts=5, delivered=4, failed=1)
        Lane.objects.create(postback=lane, held_since=timezone.now(), probe_at=timezone.now())
    sign_in(client, "view_delivery", "view_mediasource", "view_postback", "view_lane")
    figures_of(client)

    for span in SPANS:
        with CaptureQueriesContext(connection) as captured:
            figures_of(client, span)
        assert len(captured) <= 28  # However many postbacks; tallies are looked at for each of the sums.


def sign_in(client: Client, *codenames: str) -> None:
    user = User.objects.create_user("olga", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
