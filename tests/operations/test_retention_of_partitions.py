"""Old partitions go as a whole, with all that is old in them and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from psycopg2 import extensions

from operations.retention.ages import Ages
from operations.retention.prune import Result, prune
from postbacks.models import Attempt, Delivery, Postback
from postbacks.partitions import back, compaction, dropping
from tests.support.delivery_rows import engine_connection
from tests.support.partitions import few_ids_each, make_attempt, make_tried, partitions, tables_of_attempts

pytestmark = pytest.mark.django_db(transaction=True)

REST = "postbacks_attempt_rest"


@pytest.fixture
def engine(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[extensions.connection]:
    """Partitions of ten ids each, below 10, 20, 30 and 40."""
    with few_ids_each(monkeypatch) as engine:
        yield engine


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def prune_now(**ages: int) -> Result:
    kinds = dict.fromkeys(("texts", "personal", "deliveries", "actions", "submissions"), None)
    return prune(Ages(**kinds | ages), pause=lambda _: False)


def names() -> list[str]:
    return [each.table for each in partitions()]


def read(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_an_old_partition_is_dropped(engine: extensions.connection, lane: Postback) -> None:
    for pk in (1, 9):
        make_tried(lane, pk, ago(40))
    for pk in (10, 19):
        make_tried(lane, pk, ago(30 - pk / 10))
    make_tried(lane, 20, ago(1))

    result = prune_now(deliveries=35)

    assert result.dropped == []
    assert result.gone == {"deliveries": 2}, "the partition is full since a while, but not so long"
    assert names()[0] == "postbacks_attempt_0"

    result = prune_now(deliveries=7)

    assert result.dropped == ["postbacks_attempt_0"], "the other may have been filled until yesterday"
    assert set(Delivery.objects.values_list("pk", flat=True)) == {20}
    assert tables_of_attempts() == {20: "postbacks_attempt_20"}


def test_what_is_unfinished_or_ended_late_keeps_its_attempts(engine: extensions.connection, lane: Postback) -> None:
    old = make_tried(lane, 1, ago(40))
    make_tried(lane, 2, ago(40), state="ready", finished_at=None)
    make_tried(lane, 3, ago(40), finished_at=ago(2))
    make_tried(lane, 10, ago(20))
    texts = dict(Attempt.objects.filter(delivery__in=[2, 3]).values_list("delivery", "response_body"))

    assert prune_now(deliveries=10).dropped == ["postbacks_attempt_0"]

    assert not Attempt.objects.filter(delivery=old.pk).exists()
    assert tables_of_attempts() == {2: REST, 3: REST}
    assert dict(Attempt.objects.filter(delivery__in=[2, 3]).values_list("delivery", "response_body")) == texts
    make_attempt(Delivery.objects.get(pk=2), 2)  # It is tried again.
    assert Attempt.objects.filter(delivery=2).count() == 2
    Delivery.objects.filter(pk=2).update(state="delivered", finished_at=ago(15))
    assert prune_now(deliveries=10).gone["deliveries"] >= 1
    assert not Attempt.objects.filter(delivery=2).exists(), "row by row, once it is old enough itself"


def test_where_many_are_unfinished_rows_go_one_by_one(
    engine: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropping, "MOST_STRAGGLERS", 2)
    for pk in range(1, 4):
        make_tried(lane, pk, ago(40), state="ready", finished_at=None)
    make_tried(lane, 4, ago(40))
    make_tried(lane, 10, ago(20))
    result = prune_now(deliveries=10)
    assert (result.dropped, result.gone) == ([], {"deliveries": 2})
    assert set(tables_of_attempts()) == {1, 2, 3}


def test_deliveries_wait_for_the_others_of_their_partition(engine: extensions.connection, lane: Postback) -> None:
    make_tried(lane, 1, ago(10.5))
    make_tried(lane, 10, ago(9.5))
    make_tried(lane, 20, ago(2))
    assert prune_now(deliveries=10).gone == {}, "tomorrow its partition is old enough"
    Delivery.objects.filter(pk=10).update(created_at=ago(8.5))
    assert prune_now(deliveries=10).gone == {"deliveries": 1}, "it would be late by more than a day"


def test_a_partition_that_somebody_uses_stays_for_a_week(
    engine: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropping, "_TRIES", 1)
    make_tried(lane, 1, ago(40))
    make_tried(lane, 10, ago(20))
    with engine_connection() as reader, reader.cursor() as cursor:
        cursor.execute("BEGIN; SELECT 1 FROM postbacks_attempt")
        assert prune_now(deliveries=18).gone == {}, "not row by row: in an hour it is dropped"
        assert prune_now(deliveries=10).gone == {"deliveries": 2}, "somebody is always there"
    assert names()[0] == "postbacks_attempt_0"


def test_a_dry_run_drops_nothing(engine: extensions.connection, lane: Postback) -> None:
    make_tried(lane, 1, ago(40))
    make_tried(lane, 10, ago(20))
    kinds = dict.fromkeys(("texts", "personal", "deliveries", "actions", "submissions"), None)
    result = prune(Ages(**kinds | {"deliveries": 10, "texts": 1}), dry_run=True)
    assert result.gone == {"deliveries": 2, "texts": 2}
    assert (result.dropped, result.compacted) == ([], [])
    assert Attempt.objects.count() == 2


def test_the_room_of_old_texts_is_given_back(engine: extensions.connection, lane: Postback) -> None:
    text = "x" * 1_000
    made = {pk: make_tried(lane, pk, ago(40)) for pk in range(1, 9)}
    for pk in range(1, 9):
        for number in range(2, 60):
            make_attempt(made[pk], number, started_at=ago(39), response_body=text)
    make_tried(lane, 10, ago(36))
    late = make_attempt(made[3], 60, started_at=ago(1), response_body="late")
    kept = ("pk", "delivery", "number", "status", "reason", "recorded_at")
    rows = list(Attempt.objects.order_by("pk").values_list(*kept))
    before = read("SELECT pg_table_size('postbacks_attempt_0')")

    result = prune_now(texts=30)

    assert result.compacted == ["postbacks_attempt_0"]
    assert result.gone["texts"] == len(rows) - 1
    assert read("SELECT pg_table_size('postbacks_attempt_0')") < before / 3
    assert list(Attempt.objects.order_by("pk").values_list(*kept)) == rows
    old = Attempt.objects.exclude(pk=late.pk)
    assert set(old.values_list("url", "request_headers", "request_body", "response_headers", "response_body")) == {
        ("https://receiver.example", "", "", "", "")
    }
    assert Attempt.objects.get(pk=late.pk).response_body == "late", "it is younger"
    with pytest.raises(Exception, match="postbacks_attempt"):
        make_attempt(made[3], 60)  # The copy has the same constraints.
    assert prune_now(texts=30).compacted == [], "once"
    assert prune_now(deliveries=31).dropped == ["postbacks_attempt_0"]


def test_a_change_meanwhile_is_in_the_copy(
    engine: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postbacks.partitions.copying.STEP", 1)
    for pk in (1, 2, 3):
        make_tried(lane, pk, ago(40))
    make_tried(lane, 10, ago(20))
    for number, _ in enumerate(compaction.compact(engine, partitions()[0], ago(30))):
        if number == 1:
            Attempt.objects.filter(delivery__in=[1, 3]).update(reason="Changed.")
            Attempt.objects.filter(delivery=2).delete()
            make_attempt(Delivery.objects.get(pk=1), 2)
    found = Attempt.objects.filter(delivery__lt=10).order_by("delivery", "number")
    assert list(found.values_list("delivery", "number", "reason")) == [
        (1, 1, "Changed."),
        (1, 2, "200 is a success."),
        (3, 1, "Changed."),
    ]


def test_compaction_that_is_stopped_leaves_nothing(engine: extensions.connection, lane: Postback) -> None:
    for pk in (1, 2):
        make_tried(lane, pk, ago(40))
    make_tried(lane, 10, ago(36))
    kinds = dict.fromkeys(("texts", "personal", "deliveries", "actions", "submissions"), None)
    result = prune(Ages(**kinds | {"texts": 30}), pause=lambda _: True)
    assert (result.compacted, result.whole) == ([], False)
    assert read("SELECT count(*) FROM pg_class WHERE relname = 'postbacks_attempt_copy'") == 0
    assert read("SELECT count(*) FROM pg_trigger WHERE tgname = 'postbacks_mirror'") == 0
    assert Attempt.objects.count() == 3


def test_a_way_back_that_was_interrupted_keeps_partitions(engine: extensions.connection, lane: Postback) -> None:
    make_tried(lane, 1, ago(40))
    make_tried(lane, 10, ago(20))

    def stop(_up_to: int, _newest: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back.back(engine, stop)
    result = prune_now(texts=1, deliveries=10)
    assert (result.dropped, result.compacted) == ([], [])
    assert result.gone == {"texts": 2, "deliveries": 2}, "row by row, as long as the copy must follow"
    back.back(engine, lambda *_: None)
    assert Attempt.objects.count() == 0


def test_the_command_names_the_partitions(engine: extensions.connection, lane: Postback, settings: Any) -> None:
    settings.POSTBACKS_DELIVERIES_KEPT_DAYS = 10
    make_tried(lane, 1, ago(40))
    make_tried(lane, 10, ago(20))
    printed = StringIO()
    call_command("prune", stdout=printed)
    assert "partitions of attempts dropped: postbacks_attempt_0\n" in printed.getvalue()
