"""One batch of outcomes into the database: all of it once, whatever strangers wrote and however often it is tried."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

import psycopg2
import pytest
from django.utils import timezone
from psycopg2 import extensions

from postbacks.delivery import result_sql
from postbacks.delivery.batch_tally import tally
from postbacks.delivery.outcomes import Delivered, GaveUp, Judged, Outcome, Released, Retry
from postbacks.delivery.result_sql import FEW
from postbacks.egress.failures import Code, Failure
from postbacks.models import Attempt, Delivery, Postback, Tally
from tests.support.delivery_rows import (
    OWNER,
    claimed,
    engine_connection,
    held_up,
    make_answer,
    make_delivery,
    make_held,
    make_lane,
    prepared,
    sent,
)

pytestmark = pytest.mark.django_db(transaction=True)

Write = Callable[..., None]


def attempted(delivery: Delivery, outcome: Outcome, **request: Any) -> Judged:
    one = claimed(delivery)
    answer = request.pop("answer", None)
    return Judged(one, outcome, sent(prepared(one, **request), answer))


def not_attempted(delivery: Delivery, outcome: Outcome) -> Judged:
    return Judged(claimed(delivery), outcome, None)


def state_of(delivery: Delivery) -> tuple[str, int, str]:
    row = Delivery.objects.get(pk=delivery.pk)
    return row.state, row.attempts_made, row.reason


def numbers() -> dict[int, list[int]]:
    """The attempts on record, by delivery."""
    found: dict[int, list[int]] = {}
    for delivery_id, number in Attempt.objects.order_by("number").values_list("delivery_id", "number"):
        found.setdefault(delivery_id, []).append(number)
    return found


def test_each_fate_has_its_state(write: Write, lane: Postback) -> None:
    made = [make_held(lane, attempts_made=2, reason="Earlier.") for _ in range(6)]
    due_before = [one.due_at for one in made]
    write(
        attempted(made[0], Delivered("Fine.")),
        attempted(made[1], Retry("Not yet.", 300.0)),
        attempted(made[2], GaveUp("Gone.")),
        not_attempted(made[3], GaveUp("It cannot be built.")),
        not_attempted(made[4], Released()),
    )
    assert [state_of(one) for one in made] == [
        ("delivered", 3, "Fine."),
        ("ready", 3, "Not yet."),
        ("failed", 3, "Gone."),
        ("failed", 2, "It cannot be built."),
        ("ready", 2, "Earlier."),
        ("sending", 2, "Earlier."),
    ]
    rows = [Delivery.objects.get(pk=one.pk) for one in made]
    assert [row.priority for row in rows] == [0, 1, 0, 0, 0, 0], "a retry comes after what is new"
    assert [row.owner for row in rows] == [None] * 5 + [OWNER]
    assert [row.lease_until is None for row in rows] == [True] * 5 + [False]
    assert [row.finished_at is not None for row in rows] == [True, False, True, True, False, False]
    wait = (rows[1].due_at - timezone.now()).total_seconds()
    assert 295 <= wait <= 300
    assert [row.due_at for row in rows[2:]] == due_before[2:]
    assert numbers() == {one.pk: [3] for one in made[:3]}


def test_an_attempt_is_recorded_to_the_letter(write: Write, lane: Postback) -> None:
    delivery = make_held(lane)
    url, body = "http://receiver.example/in?a=%20&b=\\N", 'tab\there\nline\r\n\\. "quoted" São 😀'
    answer = make_answer(201, body.encode(), {"X-Tab": "a\tb", "Server": "x"})
    headers = {"Content-Type": "text/plain", "X-Empty": ""}
    write(attempted(delivery, Delivered("Fine."), url=url, body=body.encode(), headers=headers, answer=answer))

    row: dict[str, object] = {**Attempt.objects.values().get()}
    del row["id"]
    assert row.pop("recorded_at") == Delivery.objects.get().finished_at
    assert row == {
        "delivery_id": delivery.pk,
        "number": 1,
        "started_at": datetime(2026, 11, 20, 10, 30, 0, 125_000, tzinfo=UTC),
        "duration_ms": 12,
        "succeeded": True,
        "reason": "Fine.",
        "postback_id": lane.pk,
        "why": "",
        "method": "POST",
        "url": url,
        "request_headers": "Content-Type: text/plain\nX-Empty: ",
        "request_body": body,
        "status": 201,
        "response_headers": "X-Tab: a\tb\nServer: x",
        "response_body": body,
        "overlap_of": None,
    }


def test_an_attempt_without_an_answer_has_no_status(write: Write, lane: Postback) -> None:
    write(attempted(make_held(lane), Retry("Too late.", 5.0), answer=Failure(Code.TIMEOUT, "Too late.")))
    row = Attempt.objects.get()
    assert (row.status, row.succeeded, row.reason, row.response_headers, row.response_body) == (
        None, False, "Too late.", "", "",
    )  # fmt: skip


def test_the_same_batch_again_changes_nothing(write: Write, lane: Postback) -> None:
    made = [make_held(lane) for _ in range(3)]
    batch = [
        attempted(made[0], Delivered("Fine.")),
        attempted(made[1], Retry("Not yet.", 300.0)),
        not_attempted(made[2], Released()),
    ]
    write(*batch)
    before = list(Delivery.objects.order_by("pk").values()), list(Attempt.objects.order_by("pk").values())
    write(*batch)
    assert (list(Delivery.objects.order_by("pk").values()), list(Attempt.objects.order_by("pk").values())) == before


def test_a_batch_that_was_written_in_part_is_completed(write: Write, lane: Postback) -> None:
    made = [make_held(lane) for _ in range(3)]
    batch = [attempted(one, Delivered("Fine.")) for one in made]
    write(batch[1])
    write(*batch)
    assert {state_of(one) for one in made} == {("delivered", 1, "Fine.")}
    assert numbers() == {one.pk: [1] for one in made}


def overlapping() -> list[tuple[int, int | None, str]]:
    return list(Attempt.objects.order_by("number").values_list("number", "overlap_of", "reason"))


@pytest.mark.parametrize("first", ["the owner", "the other"])
def test_of_two_processes_attempts_both_are_kept_and_the_owners_counts(
    write: Write, lane: Postback, first: str
) -> None:
    """One was cut off, another took its deliveries over: what the first knows comes too late, in whichever order."""
    delivery = make_held(lane, owner=OWNER + 1)
    late, owners = attempted(delivery, Delivered("Late.")), attempted(delivery, Retry("Not yet.", 60.0))
    assert late.sent is not None
    late = late._replace(sent=late.sent._replace(started_at=late.sent.started_at - 5))
    if first == "the owner":
        write(owners, owner=OWNER + 1)
        write(late)
    else:
        write(late)
        assert state_of(delivery) == ("sending", 0, "")
        assert Delivery.objects.get(pk=delivery.pk).owner == OWNER + 1
        write(owners, owner=OWNER + 1)
    expected = [(1, None, "Not yet."), (101, 1, "Late.")]
    assert overlapping() == expected
    assert state_of(delivery) == ("ready", 1, "Not yet.")
    write(late)
    write(owners, owner=OWNER + 1)
    assert overlapping() == expected, "each is written once"
    later = late._replace(sent=late.sent and late.sent._replace(started_at=late.sent.started_at - 5))
    write(later)
    assert [number for number, _, _ in overlapping()] == [1, 101, 102]


def test_a_number_that_a_release_before_gave_away_costs_no_attempt(write: Write, lane: Postback) -> None:
    """It writes an attempt of a delivery that another owner has taken over under its plain number."""
    delivery = make_held(lane)
    ours = attempted(delivery, Delivered("Fine."))
    theirs = timezone.now()
    Attempt.objects.create(
        delivery=delivery, number=1, started_at=theirs, duration_ms=1, succeeded=False, reason="Theirs.", method="GET"
    )
    write(ours)
    assert overlapping() == [(1, None, "Theirs."), (101, 1, "Fine.")]
    assert state_of(delivery) == ("delivered", 1, "Fine.")


def test_locked_rows_are_left_and_named_and_the_others_are_written(
    connection: extensions.connection, lane: Postback
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    made = [make_held(lane) for _ in range(4)]
    gone = make_held(lane)
    batch = [attempted(one, Delivered("Fine.")) for one in [*made, gone]]
    gone.delete()
    for careful in (False, True):
        with held_up(made[1]):
            locked = result_sql.write(connection, OWNER, batch, careful=careful).locked
        assert [judged.claimed.delivery_id for judged in locked] == [made[1].pk]
        assert [state_of(one)[0] for one in made] == ["delivered", "sending", "delivered", "delivered"]
    assert numbers() == {one.pk: [1] for one in made if one != made[1]}
    assert result_sql.write(connection, OWNER, batch).locked == []
    assert numbers() == {one.pk: [1] for one in made}


class CountedCursor(extensions.cursor):
    messages: ClassVar[list[str]] = []

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 -- psycopg2's name
        self.messages.append(query if isinstance(query, str) else query.decode())
        super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self.messages.append(str(sql))
        super().copy_expert(sql, file, size)


@pytest.mark.parametrize("many", [1, FEW, FEW + 1])
def test_few_outcomes_take_two_messages_with_their_attempts_and_the_tally(
    connection: extensions.connection, lane: Postback, many: int
) -> None:
    made = [make_held(lane) for _ in range(many)]
    batch = [attempted(one, Delivered("Fine."), url="http://x/?a=50%25&b=%s") for one in made]
    assert result_sql.write(connection, OWNER, []).locked == [], "from now on the connection knows the statements"
    CountedCursor.messages.clear()
    connection.cursor_factory = CountedCursor
    assert result_sql.write(connection, OWNER, batch).locked == []
    assert len(CountedCursor.messages) == (2 if many <= FEW else 3)
    assert {state_of(one) for one in made} == {("delivered", 1, "Fine.")}
    assert set(Attempt.objects.values_list("url", "number")) == {("http://x/?a=50%25&b=%s", 1)}
    assert numbers() == {one.pk: [1] for one in made}
    assert [count["delivered"] for tally in Tally.objects.all() for count in json.loads(tally.counts).values()] == [
        many
    ]


def test_lanes_in_which_something_is_blocked_are_told_if_something_of_theirs_has_finished(
    connection: extensions.connection, lane: Postback
) -> None:
    chained, retried = make_lane(), make_lane()
    first, again = make_held(chained), make_held(retried)
    for one in (first, again, make_held(make_lane())):
        make_delivery(one.postback, one.event, state="blocked")
    batch = [
        attempted(make_held(lane), Delivered("Fine.")),
        attempted(first, GaveUp("No.")),
        attempted(again, Retry("Not yet.", 60.0)),
    ]
    assert result_sql.write(connection, OWNER, batch).chained == {chained.pk}
    assert result_sql.write_outcomes(connection, OWNER, batch[:1]).chained == set()


def test_what_is_blocked_just_before_the_commit_is_seen(
    connection: extensions.connection, lane: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The insertion still sees the delivery in front as unfinished, so only the recorder can make the new one ready."""
    delivery = make_held(lane)

    def insert_behind(*counted: Any) -> Any:
        make_delivery(lane, delivery.event, state="blocked")
        return tally(*counted)

    monkeypatch.setattr(result_sql, "tally", insert_behind)
    written = result_sql.write(connection, OWNER, [attempted(delivery, Delivered("Fine."))])
    assert written == ([], {lane.pk})


def test_finished_is_final(write: Write, lane: Postback) -> None:
    delivery = make_held(lane)
    write(attempted(delivery, Delivered("Fine.")))
    write(attempted(delivery, GaveUp("No.")))
    assert state_of(delivery) == ("delivered", 1, "Fine.")


def test_an_outcome_of_an_earlier_attempt_does_not_touch_the_later_one(write: Write, lane: Postback) -> None:
    """A batch that is written again after the same process has claimed the retry."""
    delivery = make_held(lane)
    first = attempted(delivery, Retry("Not yet.", 0.0))
    write(first)
    lease_until = timezone.now()
    Delivery.objects.filter(pk=delivery.pk).update(state="sending", owner=OWNER, lease_until=lease_until)
    write(first)
    row = Delivery.objects.get(pk=delivery.pk)
    assert (row.state, row.owner, row.lease_until) == ("sending", OWNER, lease_until)


@pytest.mark.parametrize("bad", ["a\x00b", "lone \ud800 surrogate", "\udcff"], ids=["NUL", "surrogate", "escaped byte"])
def test_text_that_postgresql_cannot_hold_is_cleaned_and_costs_nobody_anything(
    write: Write, lane: Postback, bad: str
) -> None:
    made = [make_held(lane) for _ in range(3)]
    answer = make_answer(200, bad.encode("utf-8", "surrogatepass"), {"X-Bad": bad})
    write(
        attempted(made[0], Delivered("Fine.")),
        attempted(made[1], Retry(bad, 60.0), url=f"http://x/{bad}", headers={"X-Own": bad}, answer=answer),
        attempted(made[2], Delivered("Fine.")),
    )
    assert [Delivery.objects.get(pk=one.pk).state for one in made] == ["delivered", "ready", "delivered"]
    assert numbers() == {one.pk: [1] for one in made}
    row = Attempt.objects.get(delivery=made[1])
    assert (row.status, row.url[:9]) == (200, "http://x/")
    assert "\x00" not in row.reason + row.url + row.response_body


@pytest.fixture
def fussy(connection: extensions.connection) -> Iterator[None]:
    """A table that refuses some text: what the database objects to, we cannot know beforehand."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE postbacks_attempt ADD CONSTRAINT fussy CHECK (response_body NOT LIKE '%poison%')")
        yield
        cursor.execute("ALTER TABLE postbacks_attempt DROP CONSTRAINT fussy")


@pytest.mark.usefixtures("fussy")
def test_a_row_that_the_database_refuses_is_written_without_its_texts(write: Write, lane: Postback) -> None:
    made = [make_held(lane) for _ in range(7)]
    answers = [make_answer(200, b"poison" if number in {0, 4} else b"OK") for number in range(7)]
    write(*[attempted(one, Delivered("Fine."), answer=answer) for one, answer in zip(made, answers, strict=True)])
    assert {state_of(one) for one in made} == {("delivered", 1, "Fine.")}
    rows = {row.delivery_id: row for row in Attempt.objects.all()}
    assert [rows[one.pk].response_body for one in made] == ["", "OK", "OK", "OK", "", "OK", "OK"]
    assert [rows[one.pk].url == "" for one in made] == [True, False, False, False, True, False, False]
    assert {(row.status, row.reason, row.method) for row in rows.values()} == {(200, "Fine.", "GET")}


@pytest.mark.usefixtures("fussy")
def test_a_refused_row_beside_one_that_was_written_before_costs_nobody_anything(write: Write, lane: Postback) -> None:
    made = [make_held(lane) for _ in range(3)]
    answers = [make_answer(200, body) for body in (b"OK", b"poison", b"OK")]
    batch = [attempted(one, Delivered("Fine."), answer=answer) for one, answer in zip(made, answers, strict=True)]
    write(batch[0])
    write(*batch)
    assert {state_of(one) for one in made} == {("delivered", 1, "Fine.")}
    assert list(Attempt.objects.order_by("delivery_id").values_list("response_body", flat=True)) == ["OK", "", "OK"]


@pytest.mark.parametrize("method", ["OPTIONS", "\ud800"], ids=["too long", "not to be encoded"])
def test_an_attempt_that_fits_in_no_form_loses_nothing_but_itself(write: Write, lane: Postback, method: str) -> None:
    made = [make_held(lane) for _ in range(2)]
    batch = [attempted(one, Delivered("Fine.")) for one in made]
    assert batch[0].sent is not None
    prepared = batch[0].sent.prepared
    prepared = prepared._replace(request=prepared.request._replace(method=method))
    batch[0] = batch[0]._replace(sent=batch[0].sent._replace(prepared=prepared))
    write(*batch)
    assert {state_of(one) for one in made} == {("delivered", 1, "Fine.")}
    assert numbers() == {made[1].pk: [1]}


def test_a_delivery_that_is_gone_does_not_take_the_others_with_it(write: Write, lane: Postback) -> None:
    made = [make_held(lane) for _ in range(5)]
    batch = [attempted(one, Delivered("Fine.")) for one in made]
    made.pop(2).delete()
    write(*batch)
    assert {state_of(one) for one in made} == {("delivered", 1, "Fine.")}
    assert numbers() == {one.pk: [1] for one in made}


def test_a_lost_connection_is_the_callers_matter(connection: extensions.connection, lane: Postback) -> None:
    delivery = make_held(lane)
    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    with pytest.raises((psycopg2.OperationalError, psycopg2.InterfaceError)):
        result_sql.write(connection, OWNER, [attempted(delivery, Delivered("Fine."))])
    assert state_of(delivery) == ("sending", 0, "")
    assert numbers() == {}
