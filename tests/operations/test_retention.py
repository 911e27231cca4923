"""What goes with age, what stays, and that neither depends on luck, locks or interruptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import ForeignKey
from django.test import Client

from actions.models import (
    Action,
    ActionEvent,
    ApiToken,
    BatchPart,
    EarlyChange,
    IdempotencyKey,
    ImportPart,
    ImportRun,
    Item,
    Submission,
)
from notices.models import Message, Notice
from operations.retention import prune as pruning
from operations.retention.ages import Ages
from operations.retention.background import pruner
from operations.retention.kinds import KINDS, NOT_PERSONAL, PERSONAL
from operations.retention.prune import BusyError, Result, prune
from postbacks.models import Attempt, Delivery, KeptBack, Postback, Pulse, Replay, ReplayItem, Rollup
from tests.support.channels import make_channel
from tests.support.delivery_rows import engine_connection, held_up, make_delivery, make_event, make_held
from tests.support.factories import make_tracker, record_action, record_change
from tests.support.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

FOR_EVER = Ages(texts=None, personal=None, deliveries=None, actions=None, submissions=None)
TEXTS = ("url", "request_headers", "request_body", "response_headers", "response_body")


def keep(**days: int) -> Ages:
    """Ages of the kinds that are named; of all others everything is kept."""
    return Ages(**{name: days.get(name) for name in ("texts", "personal", "deliveries", "actions", "submissions")})


def days_later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def rows_at_a_time(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    for name in ("FIRST_ROWS", "FEWEST_ROWS", "MOST_ROWS"):
        monkeypatch.setattr(pruning, name, rows)


def prune_all(days: float, **ages: int) -> Result:
    """As the pruner will do it in so many days."""
    return prune(keep(**ages), now=days_later(days), pause=lambda _: False)


def make_ended(lane: Postback, event: ActionEvent | None = None, **fields: Any) -> Delivery:
    """Delivered just now, at the second attempt."""
    delivery = make_delivery(lane, event, state="delivered", attempts_made=2, finished_at=datetime.now(UTC), **fields)
    for number in (1, 2):
        make_attempt(delivery, number)
    return delivery


def make_attempt(delivery: Delivery, number: int = 1) -> Attempt:
    return Attempt.objects.create(
        delivery=delivery,
        number=number,
        started_at=datetime.now(UTC),
        duration_ms=12,
        succeeded=number == 2,
        reason=f"Verdict {number}.",
        method="POST",
        url="https://receiver.example:8443/in/203.0.113.24?ip=203.0.113.24#x",
        request_headers="X-Ip: 203.0.113.24",
        request_body="ip=203.0.113.24",
        status=200,
        response_headers="Server: x",
        response_body="203.0.113.24",
    )


def test_texts_of_attempts_go_and_what_came_of_them_stays(lane: Postback) -> None:
    ended, waiting = make_ended(lane), make_delivery(lane, attempts_made=1)
    make_attempt(waiting)
    assert prune_all(6.9, texts=7).gone == {}

    assert prune_all(7.1, texts=7).gone == {"texts": 3}

    for attempt in Attempt.objects.all():
        assert [getattr(attempt, name) for name in TEXTS] == ["https://receiver.example:8443", "", "", "", ""]
    rows = Attempt.objects.filter(delivery=ended).values_list("reason", "status", "duration_ms", "succeeded", "method")
    assert list(rows) == [("Verdict 1.", 200, 12, False, "POST"), ("Verdict 2.", 200, 12, True, "POST")]
    make_attempt(waiting, 2)
    assert prune_all(7.2, texts=7).gone == {"texts": 1}, "only what has come since is looked at"


def test_the_log_says_that_texts_have_gone(lane: Postback, admin_client: Client) -> None:
    ended = make_ended(lane)
    said = b"have been deleted"
    page = f"/admin/postbacks/delivery/{ended.pk}/change/"
    assert admin_client.get(page).content.count(said) == 0
    prune_all(8, texts=7)
    assert admin_client.get(page).content.count(said) == 2


def test_personal_data_goes_from_events_actions_and_replayed_deliveries(lane: Postback) -> None:
    event = record_action(
        make_tracker(), IpAddress="203.0.113.24", CustomerCity="Köln", Text1="blue", Text4="red", Shop="x", SubId1="s"
    )
    personal = {"IpAddressPlain": "203.0.113.24", "CustomerCity": "Köln", "Text4": "red"}
    assert personal.items() <= event.parameters.items()
    replayed = make_ended(lane, event, parameters=event.parameters)
    before = dict(event.parameters)

    assert prune_all(8, personal=7).gone == {"personal": 1}

    event.refresh_from_db()
    assert event.parameters == {name: value for name, value in before.items() if name not in personal}
    assert Delivery.objects.get(pk=replayed.pk).parameters == event.parameters
    assert Action.objects.get().reported == {"Text1": "blue", "SubId1": "s"}


def test_an_action_keeps_its_personal_data_as_long_as_its_latest_event() -> None:
    first = record_action(make_tracker(), CustomerCity="Köln", OrderId="O-1")
    ActionEvent.objects.filter(pk=first.pk).update(recorded_at=days_later(-6))
    second = record_change(first, "modified", CustomerCity="Bonn")

    assert prune_all(2, personal=7).gone == {"personal": 1}

    assert "CustomerCity" not in ActionEvent.objects.get(pk=first.pk).parameters
    assert ActionEvent.objects.get(pk=second.pk).parameters["CustomerCity"] == "Bonn"
    assert Action.objects.get().reported == {"CustomerCity": "Bonn"}
    assert prune_all(8, personal=7).gone == {"personal": 1}
    assert Action.objects.get().reported == {}


def test_what_is_not_sent_yet_keeps_its_personal_data_until_it_is(lane: Postback) -> None:
    events = [record_action(make_tracker(), CustomerCity="Köln") for _ in range(4)]
    waiting = make_delivery(lane, events[0])
    make_held(lane, events[1])
    stopped = Replay.objects.create(selection={}, described="", state="stopped")
    ReplayItem.objects.create(replay=stopped, postback=lane, action=events[2].action, event=events[2])

    result = prune_all(8, personal=7)

    assert (result.gone, result.held) == ({"personal": 1}, {"personal": 3})
    having = ActionEvent.objects.filter(parameters__has_key="CustomerCity")
    assert set(having.values_list("pk", flat=True)) == {event.pk for event in events[:3]}

    Delivery.objects.filter(pk=waiting.pk).update(state="delivered", finished_at=datetime.now(UTC))
    stopped.items.all().delete()
    result = prune_all(8, personal=7)
    assert (result.gone, result.held) == ({"personal": 2}, {"personal": 1})
    assert list(having.values_list("pk", flat=True)) == [events[1].pk]
    assert list(KeptBack.objects.values_list("kind", "row_id")) == [("personal", events[1].pk)]


def test_ended_deliveries_go_with_their_attempts_and_no_others(lane: Postback) -> None:
    old = make_ended(lane)
    make_ended(lane)
    late = make_ended(lane)
    Delivery.objects.filter(pk=late.pk).update(finished_at=days_later(3))
    unfinished = [make_delivery(lane), make_delivery(lane, state="blocked"), make_held(lane)]
    for each in unfinished:
        make_attempt(each)
    Rollup.objects.create(period="ever", at=datetime.now(UTC), postback_key=lane.pk, delivered=3)

    assert prune_all(8, deliveries=7).gone == {"deliveries": 2}

    left = {late.pk, *(each.pk for each in unfinished)}
    assert set(Delivery.objects.values_list("pk", flat=True)) == left
    assert set(Attempt.objects.values_list("delivery", flat=True)) == left
    assert ActionEvent.objects.filter(pk=old.event_id).exists()
    assert Rollup.objects.get().delivered == 3


def test_actions_go_once_nothing_can_happen_to_them_any_more(lane: Postback) -> None:
    over = [record_action(lane.action_tracker, EventDate="NOW", OrderId=f"over {n}") for n in range(2)]
    for event in over:
        record_change(event, "reversed")
    kept = record_action(lane.action_tracker, EventDate="NOW")
    needed = record_action(lane.action_tracker, EventDate="NOW")
    Delivery.objects.exclude(event=needed).delete()
    Delivery.objects.filter(event=needed).update(state="delivered", finished_at=datetime.now(UTC))
    Action.objects.filter(pk=needed.action_id).update(status="APPROVED", cleared_at=datetime.now(UTC))
    window = lane.action_tracker.dedup_window_days

    assert prune_all(window + 6.9, actions=7).gone == {}, "its order id is not free yet"
    assert prune_all(window + 7.1, actions=7).gone == {"actions": 2}

    left = {kept.action_id, needed.action_id}
    assert set(Action.objects.values_list("pk", flat=True)) == left
    assert set(ActionEvent.objects.values_list("action", flat=True)) == left
    assert not Item.objects.exclude(action__in=left).exists()
    assert prune_all(window + 7.1, deliveries=7, actions=7).gone == {"deliveries": 1, "actions": 1}


def test_submissions_go_with_what_belongs_to_them() -> None:
    token = ApiToken.objects.create(account_sid="x", name="x", token_sha256="x")
    young = Submission.objects.create(kind="conversion", result="rejected", received_at=days_later(3))
    Submission.objects.filter(pk=young.pk).update(id=young.pk + 100)
    batch = Submission.objects.create(kind="batch", result="complete", token=token)
    Submission.objects.create(kind="batch", result="rejected", batch=batch, line=1, fields={"CustomerCity": "Köln"})
    key = IdempotencyKey.objects.create(token=token, key="k", body_sha256="x", submission=batch)
    BatchPart.objects.create(key=key, number=0, results=[])
    Submission.objects.create(kind="conversion", result="recorded", action_id=1)

    assert prune_all(8, submissions=7).gone == {"submissions": 3}

    assert list(Submission.objects.values_list("pk", flat=True)) == [young.pk + 100]
    assert not BatchPart.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert ApiToken.objects.exists()


@pytest.fixture
def a_row_of_each_kind(lane: Postback) -> None:
    make_ended(lane)
    Action.objects.update(status="REVERSED", event_date=days_later(-40))
    Submission.objects.create(kind="conversion", result="recorded")


ALL = {"texts": 1, "personal": 1, "deliveries": 1, "actions": 1, "submissions": 1}


@pytest.mark.usefixtures("a_row_of_each_kind")
def test_a_dry_run_counts_and_changes_nothing() -> None:
    counted = prune(keep(**ALL), now=days_later(2), dry_run=True)

    assert counted.gone == {"submissions": 1, "texts": 2, "personal": 1, "deliveries": 1}
    assert Attempt.objects.exclude(request_body="").count() == 2
    assert (Delivery.objects.count(), Submission.objects.count()) == (1, 1)
    assert prune_all(2, **ALL).gone == {**counted.gone, "actions": 1}, "its delivery is gone by then"


def test_small_batches_come_to_the_same_end(lane: Postback, monkeypatch: pytest.MonkeyPatch) -> None:
    rows_at_a_time(monkeypatch, 3)
    for _ in range(10):
        make_ended(lane)
    make_delivery(lane)
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return False

    result = prune(keep(texts=1, deliveries=1), now=days_later(2), pause=pause)

    assert result.gone == {"texts": 20, "deliveries": 10}
    assert len(pauses) == 7 + 4
    assert all(seconds >= pruning.LEAST_PAUSE_SECONDS for seconds in pauses)
    assert Delivery.objects.count() == 1


def test_a_slow_server_is_asked_for_less_at_a_time(lane: Postback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "FIRST_ROWS", 8)
    monkeypatch.setattr(pruning, "FEWEST_ROWS", 2)
    monkeypatch.setattr(pruning, "BATCH_SECONDS", 1e-6)  # Any transaction takes longer.
    for _ in range(10):
        make_ended(lane)
    looked: list[int] = []

    prune(keep(texts=1), now=days_later(2), pause=lambda _: False, watch=looked.append)

    assert looked == [8, 2, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("rows", "seconds", "following"),
    [
        (500, 0.05, 500),
        (500, 0.04, 625),
        (500, 0.001, 1_000),  # At most twice as many.
        (2_000, 0.1, 1_000),
        (2_000, 60.0, 100),  # Never too few to get on.
        (4_000, 0.0, 5_000),
    ],
)
def test_a_batch_is_as_large_as_the_server_is_fast(rows: int, seconds: float, following: int) -> None:
    assert pruning.next_rows(rows, seconds) == following


def test_an_interrupted_run_goes_on_where_it_was(lane: Postback, monkeypatch: pytest.MonkeyPatch) -> None:
    rows_at_a_time(monkeypatch, 3)
    for _ in range(5):
        make_ended(lane)

    stopped = prune(keep(texts=1), now=days_later(2), pause=lambda _: True)
    in_no_time = prune(keep(texts=1), now=days_later(2), seconds=0)
    prune(keep(texts=1), now=days_later(2), dry_run=True)
    assert not Pulse.objects.filter(name="prune").exists(), "only a run that comes to its end is told of"
    rest = prune_all(2, texts=1)

    assert [(each.gone["texts"], each.whole) for each in (stopped, in_no_time, rest)] == [
        (3, False),
        (3, False),
        (4, True),
    ]
    assert not Attempt.objects.exclude(request_body="").exists()
    assert Pulse.objects.filter(name="prune").exists()


def test_again_looks_at_what_it_was_done_with(lane: Postback) -> None:
    make_ended(lane)
    assert prune_all(2, texts=1).gone == {"texts": 2}
    Attempt.objects.update(request_body="as if it had been left")

    assert prune_all(2, texts=1).gone == {}
    call_command("prune", "--again", stdout=StringIO())
    assert prune_all(2, texts=1).gone == {"texts": 2}
    assert not Attempt.objects.exclude(request_body="").exists()


def test_it_waits_for_no_lock(lane: Postback) -> None:
    locked, free = make_ended(lane), make_ended(lane)

    with held_up(locked):
        assert prune_all(2, deliveries=1).gone == {"deliveries": 1}
        assert list(Delivery.objects.values_list("pk", flat=True)) == [locked.pk]

    assert prune_all(2, deliveries=1).gone == {"deliveries": 1}
    assert not Delivery.objects.filter(pk__in=[locked.pk, free.pk]).exists()


@pytest.fixture
def somebody_prunes() -> Iterator[None]:
    with pruning._alone():
        yield


@pytest.mark.usefixtures("somebody_prunes")
def test_one_at_a_time(lane: Postback) -> None:
    make_ended(lane)
    with pytest.raises(BusyError):
        prune_all(2, deliveries=1)
    with pytest.raises(CommandError, match=r"already pruning\. Try again"):
        call_command("prune")
    assert Delivery.objects.count() == 1


@pytest.mark.usefixtures("a_row_of_each_kind")
def test_the_command_tells_what_went(settings: Any) -> None:
    settings.POSTBACKS_DELIVERIES_KEPT_DAYS = 1
    Delivery.objects.update(created_at=days_later(-2), finished_at=days_later(-1.5))
    said: list[list[str]] = []
    for options in (["--dry-run"], [], []):
        out = StringIO()
        call_command("prune", *options, stdout=out)
        said.append(out.getvalue().splitlines())

    assert said[0] == [
        "Would be deleted:",
        "  submissions and batches of the API, after 90 days: 0",
        "  texts of requests and answers, after 30 days: 0",
        "  events with their personal data, after 90 days: 0",
        "  ended deliveries with their attempts, after 1 day: 1",
        "  actions with their items and events: kept forever",
    ]
    assert said[1] == ["Deleted:", *said[0][1:]]
    assert said[2][4] == "  ended deliveries with their attempts, after 1 day: 0"


def test_texts_and_refused_reports_stay_no_longer_than_personal_data(settings: Any) -> None:
    settings.PERSONAL_DATA_KEPT_DAYS = 5
    assert (Ages.from_settings().texts, Ages.from_settings().submissions) == (5, 5)
    settings.PERSONAL_DATA_KEPT_DAYS = 0
    assert (Ages.from_settings().texts, Ages.from_settings().personal) == (30, None)
    settings.POSTBACKS_TEXTS_KEPT_DAYS = 0
    assert Ages.from_settings().texts is None


def test_a_worker_prunes_beside_its_work(lane: Postback, settings: Any) -> None:
    settings.POSTBACKS_DELIVERIES_KEPT_DAYS = 1
    event = make_event(lane)
    make_ended(lane, event)
    Delivery.objects.update(created_at=days_later(-2), finished_at=days_later(-1.5))

    pruner.start()
    wait_until(lambda: not Delivery.objects.exists(), 5, "it is gone")
    pruner.stop()
    make_ended(lane, event)
    Delivery.objects.update(created_at=days_later(-2), finished_at=days_later(-1.5))
    pruner.start()
    wait_until(lambda: not Delivery.objects.exists(), 5, "it can be started again")
    pruner.stop()


def test_what_operators_were_told_goes_after_a_month() -> None:
    channel = make_channel()
    now = datetime.now(UTC)
    for number, told in enumerate((True, True, False)):
        at = now - timedelta(days=40 * number)
        message = Message.objects.create(
            channel=channel, content={}, made_at=at, next_try_at=at, ended_at=at if told else None
        )
        Notice.objects.create(channel=channel, event="held", key=str(number), at=at, content={}, message=message)
    prune_all(15)
    assert list(Notice.objects.values_list("key", flat=True)) == ["0"]
    assert list(Message.objects.values_list("notices__key", "told").order_by("pk")) == [("0", False), (None, False)]


def test_what_sessions_sign_ins_and_imports_leave_behind_goes() -> None:
    for name, days in (("ended", -1), ("open", 1)):
        Session.objects.create(session_key=name, session_data="", expire_date=days_later(days))
    for name, days in (("old", -31), ("new", -29)):
        tried = AccessAttempt.objects.create(username=name, failures_since_start=1)
        AccessAttempt.objects.filter(pk=tried.pk).update(attempt_time=days_later(days))

    for name, days in (("abandoned", -31), ("cut off", -29)):
        run = ImportRun.objects.create(name=name, sha256=name, started_at=days_later(days))
        ImportPart.objects.create(run=run, number=1)

    prune_all(0)

    assert list(ImportPart.objects.values_list("run__name", flat=True)) == ["cut off"]
    assert ImportRun.objects.count() == 1
    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]
    assert list(AccessAttempt.objects.values_list("username", flat=True)) == ["new"]


def test_each_batch_costs_the_same_however_much_there_is(lane: Postback) -> None:
    """No statement reads a whole table that grows."""
    grow = {model._meta.db_table for model in (Action, ActionEvent, Item, Submission, Delivery, Attempt)}
    with engine_connection() as connection, connection.cursor() as cursor:
        for kind in KINDS:
            values = {"after": 0, "most": 2000, "before": days_later(0), "personal": PERSONAL}
            values |= {"not_personal": NOT_PERSONAL, "ids": list(range(2000)), "low": 0, "high": 1999}
            values["waits_from"] = 1_000_000
            for statement in filter(None, (kind.look, kind.look_again, kind.prune)):
                cursor.execute(f"EXPLAIN {statement}", values)
                plan = [line for (line,) in cursor.fetchall()]
                scanned = [
                    line for line in plan if "Seq Scan on" in line and any(f" {table}" in line for table in grow)
                ]
                assert scanned == [], (kind.name, plan)


def test_whatever_refers_to_what_goes_is_known() -> None:
    """What refers to these tables, with a constraint or without, needs a place in `operations.retention.kinds`, and an
    index."""
    known = {
        (Action, Item),
        (Action, ActionEvent),
        (Action, Delivery),
        (ActionEvent, Delivery),
        (Delivery, Attempt),
        (Submission, Submission),
        (Submission, IdempotencyKey),
        (Submission, EarlyChange),
        (IdempotencyKey, BatchPart),
    }
    # Passed over where what they name is gone.
    may_outlive = {(Action, ReplayItem), (ActionEvent, ReplayItem), (Action, Submission)}
    tables = {Action, ActionEvent, Item, Delivery, Attempt, Submission, IdempotencyKey, BatchPart}
    found = {
        (field.related_model, model)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model in tables
    }
    assert found == known | may_outlive
