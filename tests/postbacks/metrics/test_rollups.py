"""Roll-ups: what was recorded is counted, once, whatever is repeated, refused, killed or done at the same time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module

import pytest
from django.db import OperationalError, transaction
from django.db import connection as django_connection
from django.utils import timezone
from psycopg2 import extensions
from pytest_django import Settings

from postbacks.advisory_locks import FOLD_LOCK
from postbacks.database import raw_cursor
from postbacks.delivery import sweep
from postbacks.delivery.batch_tally import reason_class
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Outcome, Released, Retry
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from postbacks.lifecycle import delete_postback
from postbacks.metrics import read
from postbacks.metrics.counters import COLUMNS, LAG_SECONDS, TOOK_MS, percentile, place
from postbacks.metrics.fold import ALL, EVER, fold, fold_ended, prune
from postbacks.metrics.reasons import LABELS
from postbacks.metrics.tally import append, count_ended
from postbacks.models import Delivery, Lane, Postback, Rollup, Tally
from tests.support.delivery_rows import (
    OWNER,
    claimed,
    engine_connection,
    make_answer,
    make_delivery,
    make_held,
    make_lane,
    prepared,
    sent,
)
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Write = Callable[..., None]
END_A_FOLD = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND (classid, objid) = (%s, %s) AND granted
"""
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=30, microsecond=0) - timedelta(days=1)


def attempted(delivery: Delivery, outcome: Outcome, answer: Answer | Failure | None = None) -> Judged:
    one = claimed(delivery)
    return Judged(one, outcome, sent(prepared(one), answer))


def ever(postback: int = ALL) -> dict[str, int]:
    """The counters since the beginning, after a fold; without those of time, which are looked at elsewhere."""
    fold()
    row = Rollup.objects.get(period=Rollup.Period.EVER, postback_key=postback)
    columns = {name: getattr(row, name) for name in COLUMNS}
    counters = Counter({**columns, **row.details})
    return {name: number for name, number in counters.items() if number and not name.startswith(("took", "lag"))}


def put(counts: dict[int, dict[str, int]], at: datetime) -> None:
    """A tally as of that moment."""
    with raw_cursor() as cursor:
        append(cursor, counts)
    Tally.objects.filter(pk=Tally.objects.latest("pk").pk).update(at=at)


def test_each_fate_is_counted_for_what_it_is(write: Write, lane: Postback) -> None:
    made = [make_held(lane) for _ in range(6)]
    write(
        attempted(made[0], Delivered("Fine.")),
        attempted(made[1], Retry("Not yet.", 300.0), make_answer(503)),
        attempted(made[2], GaveUp("Gone."), make_answer(410)),
        Judged(claimed(made[3]), GaveUp("It cannot be built."), None),
        Judged(claimed(made[4]), Released(), None),
    )
    assert Tally.objects.count() == 1, "one row for the batch"
    expected = {
        "attempts": 3,
        "succeeded": 1,
        "first": 3,
        "first_succeeded": 1,
        "delivered": 1,
        "failed": 2,
        "why:status_5xx": 1,
        "why:status_410": 1,
        "why:unbuildable": 1,
    }
    assert ever() == expected
    assert ever(lane.pk) == expected
    assert Tally.objects.count() == 0


def test_what_changes_nothing_is_not_counted_again(write: Write, lane: Postback) -> None:
    made = [make_held(lane) for _ in range(3)]
    batch = [
        attempted(made[0], Delivered("Fine.")),
        attempted(made[1], Retry("Not yet.", 300.0), make_answer(500)),
        Judged(claimed(made[2]), Released(), None),
    ]
    write(batch[1])
    write(*batch)
    write(*batch)
    assert ever() == {
        "attempts": 2,
        "succeeded": 1,
        "first": 2,
        "first_succeeded": 1,
        "delivered": 1,
        "why:status_5xx": 1,
    }


def test_an_attempt_that_comes_too_late_counts_as_attempt_only(write: Write, lane: Postback) -> None:
    """The lease ran out and another worker has the delivery: the request was made all the same."""
    write(attempted(make_held(lane, owner=OWNER + 1), Delivered("Fine.")))
    assert ever() == {"attempts": 1, "succeeded": 1, "first": 1, "first_succeeded": 1}


def test_giving_back_is_no_event(write: Write, lane: Postback) -> None:
    write(Judged(claimed(make_held(lane)), Released(), None))
    assert Tally.objects.count() == 0


def test_a_refused_row_is_counted_with_its_half(
    write: Write, lane: Postback, connection: extensions.connection
) -> None:
    made = [make_held(lane) for _ in range(5)]
    batch = [attempted(one, Delivered("Fine.")) for one in made]
    made[2].delete()
    write(*batch)
    assert ever() == {"attempts": 4, "succeeded": 4, "first": 4, "first_succeeded": 4, "delivered": 4}


def test_a_transaction_that_fails_counts_nothing(lane: Postback) -> None:
    with transaction.atomic(), raw_cursor() as cursor:
        count_ended(cursor, {lane.pk: 3}, "cancelled")
        transaction.set_rollback(True)
    assert fold() == 0
    assert not Rollup.objects.exists()


def test_durations_and_lags_are_counted_by_their_bounds(write: Write, lane: Postback) -> None:
    punctual = make_held(lane, due_in_seconds=-40)
    late = make_held(lane, due_in_seconds=-4_000)
    later = make_held(lane, due_in_seconds=-9e6)
    write(
        attempted(punctual, Delivered("Fine.")),
        attempted(late, GaveUp("No."), make_answer(404)),
        attempted(later, Retry("No.", 5.0), make_answer(404)),
    )
    fold()
    sums = read.by_postback(Rollup.Period.HOUR, timezone.now() - timedelta(hours=2))[lane.pk]
    assert {name: n for name, n in sums.details.items() if name.startswith("took:")} == {
        f"took:{place(TOOK_MS, 12.4)}": 3
    }
    assert {name: n for name, n in sums.details.items() if name.startswith("lag:")} == {
        f"lag:{place(LAG_SECONDS, 40)}": 1,
        f"lag:{place(LAG_SECONDS, 4_000)}": 1,
    }
    assert sums.details["took_us"] == 3 * 12_400
    assert 4_040_000 <= sums.details["lag_ms"] < 4_100_000
    assert 10 <= (sums.took_ms(0.5) or 0) <= 15
    assert 30 <= (sums.lag_seconds(0.4) or 0) <= 60
    assert sums.success_rate == 0.5


def test_ends_without_the_recorder_are_counted(lane: Postback) -> None:
    held, deleted, late = make_lane(), make_lane(), make_lane()
    old = timezone.now() - timedelta(days=8)
    Lane.objects.create(postback=held, failures=10, held_since=old, probe_at=old)
    for _ in range(2):
        make_delivery(held, created_at=old)
    make_delivery(held)
    make_delivery(deleted)
    make_delivery(deleted, state="blocked")
    assert delete_postback(deleted) == 2
    make_delivery(late)
    Postback.objects.filter(pk=late.pk).update(deleted_at=timezone.now())
    with engine_connection() as own, own.cursor() as cursor:
        cursor.execute("BEGIN")
        sweep._tidy_up(cursor)
        cursor.execute("COMMIT")

    assert ever() == {"cancelled": 3, "failed": 2, "why:held_week": 2}
    assert ever(held.pk) == {"failed": 2, "why:held_week": 2}
    assert ever(deleted.pk) == {"cancelled": 2}
    assert ever(late.pk) == {"cancelled": 1}


def test_deleting_what_has_nothing_waiting_writes_no_tally(lane: Postback) -> None:
    delete_postback(lane)
    assert Tally.objects.count() == 0


def test_tallies_become_minutes_hours_and_all_time_of_each_and_of_all() -> None:
    put({5: {"delivered": 1}, 6: {"delivered": 2, "why:dns": 1}}, NOON)
    put({5: {"delivered": 4}}, NOON + timedelta(seconds=29))
    put({5: {"delivered": 8}}, NOON + timedelta(seconds=30))
    put({5: {"delivered": 16}}, NOON + timedelta(hours=1))
    assert fold() == 4
    put({5: {"delivered": 32}}, NOON)
    assert fold() == 1

    found = {
        (row.period, row.postback_key, (row.at - NOON.replace(second=0)).total_seconds() / 60): row.delivered
        for row in Rollup.objects.exclude(period="ever")
    }
    assert found == {
        ("minute", 5, 0): 37,
        ("minute", 6, 0): 2,
        ("minute", ALL, 0): 39,
        ("minute", 5, 1): 8,
        ("minute", ALL, 1): 8,
        ("minute", 5, 60): 16,
        ("minute", ALL, 60): 16,
        ("hour", 5, 0): 45,
        ("hour", 6, 0): 2,
        ("hour", ALL, 0): 47,
        ("hour", 5, 60): 16,
        ("hour", ALL, 60): 16,
    }
    assert {key: sums.delivered for key, sums in read.ever().items()} == {5: 61, 6: 2, ALL: 63}
    assert read.ever()[6].reasons == {"dns": 1}
    assert fold() == 0


def test_readers_sum_over_the_time_that_they_ask_for() -> None:
    put({5: {"delivered": 1, "failed": 1, "why:dns": 1}, 6: {"delivered": 2}}, NOON)
    put({5: {"delivered": 4}}, NOON + timedelta(hours=2))
    fold()
    hour = NOON.replace(minute=0, second=0)

    line = read.over_time("hour", hour)
    assert [(at, sums.delivered) for at, sums in line.items()] == [(hour, 3), (hour + timedelta(hours=2), 4)]
    assert [sums.delivered for sums in read.over_time("hour", hour, 5).values()] == [1, 4]
    assert list(read.over_time("hour", hour + timedelta(hours=1))) == [hour + timedelta(hours=2)]
    assert {key: sums.delivered for key, sums in read.by_postback("hour", hour).items()} == {5: 5, 6: 2}
    assert {key: sums.delivered for key, sums in read.by_postback("hour", hour, [6]).items()} == {6: 2}
    assert {key: (sums.delivered, sums.failed) for key, sums in read.counts_by_postback("hour", hour).items()} == {
        5: (5, 1),
        6: (2, 0),
    }


def test_more_tallies_than_one_transaction_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postbacks.metrics.fold.MOST_TALLIES", 3)
    for _ in range(7):
        put({5: {"delivered": 1}}, NOON)
    assert fold() == 7
    assert ever() == {"delivered": 7}


def test_a_minute_is_merged_until_it_is_over_and_then_folded() -> None:
    """Readers see the same before and after."""
    later = (timezone.now() + timedelta(hours=1)).replace(second=0, microsecond=0)
    put({5: {"delivered": 1, "why:dns": 1}, 6: {"failed": 3}}, later + timedelta(seconds=1))
    put({5: {"delivered": 2, "why:dns": 4, "why:rule": 1}}, later + timedelta(seconds=59))
    put({5: {"delivered": 8}}, later + timedelta(minutes=1))
    put({5: {"delivered": 16}}, NOON)
    since = NOON.replace(minute=0, second=0)
    before = [read.over_time(period, since, key) for period in ("minute", "hour") for key in (5, 6, ALL)]
    assert fold_ended() == 4
    assert [read.over_time(period, since, key) for period in ("minute", "hour") for key in (5, 6, ALL)] == before
    assert dict(Tally.objects.order_by("at").values_list("at", "counts")) == {
        later: '{"5":{"delivered":3,"why:dns":5,"why:rule":1},"6":{"failed":3}}',
        later + timedelta(minutes=1): '{"5":{"delivered":8}}',
    }
    assert {key: sums.delivered for key, sums in read.ever().items()} == {5: 16, ALL: 16}

    Tally.objects.filter(at=later).update(at=NOON + timedelta(seconds=30))
    put({5: {"delivered": 32}}, later + timedelta(minutes=1, seconds=7))
    assert fold_ended() == 3
    assert Tally.objects.get().counts == '{"5":{"delivered":40}}'
    assert {key: sums.delivered for key, sums in read.ever().items()} == {5: 19, 6: 0, ALL: 19}
    assert read.ever()[ALL].reasons == {"dns": 5, "rule": 1}
    minute = NOON.replace(second=0)
    assert {at: sums.delivered for at, sums in read.over_time("minute", since, 5).items()} == {
        minute: 16,
        minute + timedelta(minutes=1): 3,
        later + timedelta(minutes=1): 40,
    }


def test_more_tallies_of_a_minute_than_one_transaction_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postbacks.metrics.fold.MOST_TALLIES", 3)
    later = timezone.now() + timedelta(hours=1)
    for _ in range(7):
        put({5: {"delivered": 1}}, later)
    fold_ended()
    assert Tally.objects.get().counts == '{"5":{"delivered":7}}'


def test_readers_leave_out_what_is_older_than_they_ask_for() -> None:
    """By the row that a tally belongs to, so that its sum is the same once it is folded."""
    put({5: {"delivered": 1}}, NOON)
    asked = NOON - timedelta(seconds=10)
    assert read.over_time("hour", asked, 5) == {}
    fold()
    assert read.over_time("hour", asked, 5) == {}


@pytest.mark.parametrize("of_rows", [True, False], ids=["counts by row", "rows by moment"])
def test_sums_over_time_of_several(of_rows: bool) -> None:
    hour = NOON.replace(minute=0, second=0)
    put({5: {"delivered": 1}, 6: {"delivered": 2, "took:3": 1}, 7: {"delivered": 4}}, NOON)
    put({6: {"failed": 8}}, NOON + timedelta(hours=1))
    if of_rows:
        fold()
    put({5: {"delivered": 16}}, NOON)
    sums = read.counts_over_time("hour", hour, [5, 6])
    assert {at: (each.delivered, each.failed) for at, each in sums.items()} == {
        hour: (19, 0),
        hour + timedelta(hours=1): (0, 8),
    }


def test_a_merge_that_is_cut_off_leaves_everything_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(hours=1)
    put({5: {"delivered": 1}}, later)
    put({5: {"delivered": 2}}, later)
    put({5: {"delivered": 4}}, NOON)
    before = list(Tally.objects.order_by("id").values())

    def cut_off(*_: object, **__: object) -> None:
        assert Tally.objects.get().at > NOON, "merged, and not yet folded"
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("postbacks.metrics.fold._by_row", cut_off)
        with pytest.raises(KeyboardInterrupt):
            fold_ended()
    assert list(Tally.objects.order_by("id").values()) == before
    assert not Rollup.objects.exists()
    assert ever() == {"delivered": 7}


def test_a_fold_that_is_cut_off_leaves_everything_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    put({5: {"delivered": 1}}, NOON)

    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("postbacks.metrics.fold._columns", cut_off)
        with pytest.raises(KeyboardInterrupt):
            fold()
    assert (Tally.objects.count(), Rollup.objects.count()) == (1, 0)
    assert ever() == {"delivered": 1}


def test_only_one_folds_at_a_time() -> None:
    put({5: {"delivered": 1}}, NOON)

    def folds() -> int:
        try:
            return fold(wait=True)
        finally:
            django_connection.close()

    with engine_connection() as other, other.cursor() as theirs, ThreadPoolExecutor(1) as threads:
        theirs.execute("SELECT pg_advisory_lock(%s, %s)", FOLD_LOCK)
        assert fold() == 0
        waiting = threads.submit(folds)
        wait_until(lambda: waiters(theirs) == 1, 20, "the other fold waits")
        assert (Tally.objects.count(), Rollup.objects.count()) == (1, 0)
        theirs.execute("SELECT pg_advisory_unlock(%s, %s)", FOLD_LOCK)
        assert waiting.result(20) == 1
    assert (Tally.objects.count(), read.ever()[5].delivered) == (0, 1)


def waiters(cursor: extensions.cursor) -> int:
    cursor.execute("SELECT count(*) FROM pg_locks WHERE (classid, objid) = (%s, %s) AND NOT granted", FOLD_LOCK)
    (count,) = cursor.fetchone() or (0,)
    return int(count)


def _fold_until(done: threading.Event, fold_some: Callable[[], int]) -> None:
    try:
        while not done.is_set():
            try:
                fold_some()
            except OperationalError:
                django_connection.close()
    finally:
        django_connection.close()


def _read_until(done: threading.Event) -> list[int]:
    """What was counted of postback 9, again and again."""
    seen = []
    since = timezone.now() - timedelta(minutes=1)
    try:
        while not done.is_set():
            with read.one_moment():
                sums = read.over_time("minute", since, 9).values()
            seen.append(sum(each.failed for each in sums))
    finally:
        django_connection.close()
    return seen


def _end_three_folds(folders: Sequence[Future[None]]) -> None:
    ended = 0
    with engine_connection() as own, own.cursor() as cursor:
        while ended < 3 and not any(each.done() for each in folders):
            cursor.execute(END_A_FOLD, FOLD_LOCK)
            ended += cursor.rowcount


def test_whatever_is_written_and_folded_at_once_is_counted_once() -> None:
    """Two fold all the time, one of them by merging, while four write in transactions that overlap the folds, one
    reads, and one cuts off those that fold."""
    done = threading.Event()

    def writes(lane: int) -> None:
        with engine_connection() as own, own.cursor() as cursor:
            for number in range(50):
                cursor.execute("BEGIN")
                append(cursor, {lane: {"delivered": 1, f"why:{number % 3}": 1}, 9: {"failed": 1}})
                cursor.execute("ROLLBACK" if number % 10 == 9 else "COMMIT")

    with ThreadPoolExecutor(8) as threads:
        reader = threads.submit(_read_until, done)
        folders = [threads.submit(_fold_until, done, each) for each in (partial(fold, wait=True), fold_ended)]
        writers = [threads.submit(writes, lane) for lane in (1, 2, 3, 4)]
        killer = threads.submit(_end_three_folds, folders)
        wait([*writers, killer])
        done.set()
        for each in (*writers, *folders, killer):
            each.result()

    seen = reader.result()
    assert seen == sorted(seen), "no sum goes back"
    fold(wait=True)
    assert {key: (sums.delivered, sums.failed) for key, sums in read.ever().items()} == {
        **dict.fromkeys((1, 2, 3, 4), (45, 0)),
        9: (0, 180),
        ALL: (180, 180),
    }
    assert Tally.objects.count() == 0


def test_old_minutes_and_hours_go_and_the_sums_stay(settings: Settings) -> None:
    settings.POSTBACKS_ROLLUP_MINUTES_KEPT_DAYS = 2
    settings.POSTBACKS_ROLLUP_HOURS_KEPT_DAYS = 30
    now = timezone.now()
    for days in (1, 3, 40):
        put({5: {"delivered": 1}}, now - timedelta(days=days))
    fold()
    prune()
    of_five = Rollup.objects.filter(postback_key=5)
    assert Counter(of_five.values_list("period", flat=True)) == {"minute": 1, "hour": 2, "ever": 1}
    assert ever(5) == {"delivered": 3}


def test_readers_catch_up_when_nobody_folds() -> None:
    now = timezone.now()
    put({5: {"delivered": 1}}, now)
    read.catch_up()
    assert Tally.objects.count() == 1, "the task will come"
    Tally.objects.update(at=now - timedelta(minutes=2))
    read.catch_up()
    assert Tally.objects.count() == 0
    put({5: {"delivered": 1}}, now)
    read.catch_up(exactly=True)
    assert read.ever()[5].delivered == 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (make_answer(200, b"error"), "rule"),
        (make_answer(301), "status_3xx"),
        (make_answer(404), "status_4xx"),
        (make_answer(410), "status_410"),
        (make_answer(429), "status_429"),
        (make_answer(503), "status_5xx"),
        *((Failure(code, "For some reason."), code.value) for code in Code),
    ],
)
def test_each_failure_has_a_class(answer: Answer | Failure, expected: str) -> None:
    one = claimed()
    assert reason_class(Judged(one, Retry("…", 5.0), sent(prepared(one), answer))) == expected
    assert expected in LABELS


def test_success_and_giving_back_have_none() -> None:
    one = claimed()
    assert reason_class(Judged(one, Delivered("Fine."), sent(prepared(one)))) is None
    assert reason_class(Judged(one, Released(), None)) is None


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([0, 0, 0, 0], 0.5, None),
        ([4, 0, 0, 0], 0.5, 5.0),
        ([0, 10, 0, 0], 0.95, 19.5),
        ([5, 0, 5, 0], 0.5, 10.0),
        ([5, 0, 5, 0], 1.0, 40.0),
        ([0, 0, 0, 3], 0.5, 40.0),
    ],
)
def test_percentiles_lie_between_bounds(counts: list[int], share: float, expected: float | None) -> None:
    assert percentile(counts, (10, 20, 40), share) == expected


def test_python_and_postgresql_agree_on_places() -> None:
    values = [-1.0, 0.0, 0.004, 0.005, 0.0051, 1.0, 59.9, 60.0, 604_800.0, 1e9]
    with django_connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(width_bucket(v, %s::float8[]) ORDER BY n)"
            " FROM unnest(%s::float8[]) WITH ORDINALITY u (v, n)",
            [list(LAG_SECONDS), values],
        )
        (found,) = cursor.fetchone()
    assert found == [place(LAG_SECONDS, value) for value in values]


def test_all_that_was_recorded_before_there_were_roll_ups_is_counted(lane: Postback, write: Write) -> None:
    write(attempted(make_held(lane), Delivered("Fine.")), attempted(make_held(lane), GaveUp("No."), make_answer(404)))
    write(attempted(make_held(lane), Retry("No.", 5.0), make_answer(404)))
    delete_postback(lane)
    Tally.objects.all().delete()
    with django_connection.cursor() as cursor:
        cursor.execute(import_module("postbacks.migrations.0003_rollups").COUNT_WHAT_IS_THERE)
    of_all, of_one = (Rollup.objects.get(period="ever", postback_key=key) for key in (ALL, lane.pk))
    for row in (of_all, of_one):
        assert (row.at, row.attempts, row.succeeded, row.delivered, row.failed, row.cancelled) == (EVER, 3, 1, 1, 1, 1)
    hours = Rollup.objects.filter(period="hour", postback_key=ALL)
    assert sum(row.attempts for row in hours) == 3
    assert sum(row.cancelled for row in hours) == 1
