"""Reading from a replica: who does, who sees what, and what happens while the replica is not good enough."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import get_resolver, reverse

from config.replica import LAG_HEADER, READ_THERE
from environment.variables import BASE_DIR
from operations.doctor.replica import look_at_replica
from partners.models import Program
from postbacks.delivery.redis import client as redis
from postbacks.models import Postback
from stores import patience
from stores.replica import marks, reading
from stores.replica import watch as watching
from stores.replica.reading import Reading
from stores.replica.watch import Watch, watch
from tests.support.api_calls import ApiCaller
from tests.support.delivery_rows import make_delivery, make_lane
from tests.support.factories import make_program, report_fields
from tests.support.patience import wait_until
from tests.support.replica import Replica, settle

LOG = "/admin/postbacks/delivery/"
WHERE = "SELECT pg_is_in_recovery()"


@pytest.fixture
def lane(replica: Replica) -> Postback:
    return make_lane()


@pytest.fixture
def operator(replica: Replica) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def reader(caught_up: Callable[[], None]) -> Iterator[Reading]:
    """A request that may read from the replica."""
    settle()
    caught_up()
    now = Reading("somebody")
    with now.begun():
        yield now


def reads_there() -> bool:
    with reading.cursor() as cursor:
        cursor.execute(WHERE)
        return bool(cursor.fetchone()[0])


def test_a_page_is_read_from_the_replica_and_says_how_old_it_is(
    replica: Replica, lane: Postback, operator: Client, caught_up: Callable[[], None]
) -> None:
    earlier = make_delivery(lane)
    settle()
    caught_up()
    with replica.paused():
        later = make_delivery(lane)
        response = operator.get(LOG)
        page = response.text
        assert f"{LOG}{earlier.pk}/" in page
        assert f"{LOG}{later.pk}/" not in page
        assert "Read from a replica, at most 1 s behind." in page
        assert response.headers[LAG_HEADER] == "0.0"
    caught_up()
    assert f"{LOG}{later.pk}/" in operator.get(LOG).text


def test_nobody_sees_a_page_older_than_what_they_did(
    replica: Replica, lane: Postback, operator: Client, caught_up: Callable[[], None]
) -> None:
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    settle()
    caught_up()
    with replica.paused():
        operator.post(reverse("admin:postbacks_postback_pause", args=[lane.pk]), follow=False)
        assert Postback.objects.get(pk=lane.pk).paused_at
        listed = reverse("admin:postbacks_postback_changelist")
        seen = operator.get(listed)
        assert LAG_HEADER not in seen.headers
        assert seen.context["cl"].result_list[0].paused_at
        assert operator.get(LOG).status_code == 200
        of_other = other.get(listed)
        assert LAG_HEADER in of_other.headers, "who has done nothing reads from the replica"
        assert of_other.context["cl"].result_list[0].paused_at is None
    replica.catch_up()
    assert LAG_HEADER in operator.get(listed).headers, "until the replica has it"


def test_a_form_reads_the_primary(
    replica: Replica, lane: Postback, operator: Client, caught_up: Callable[[], None]
) -> None:
    settle()
    caught_up()
    with replica.paused():
        Postback.objects.filter(pk=lane.pk).update(name="Renamed elsewhere")
        response = operator.get(reverse("admin:postbacks_postback_change", args=[lane.pk]))
        assert "Renamed elsewhere" in response.text
        assert LAG_HEADER not in response.headers


def test_a_token_that_reported_reads_what_it_reported(
    replica: Replica, lane: Postback, caught_up: Callable[[], None]
) -> None:
    reports, reads = ApiCaller(), ApiCaller()
    settle()
    caught_up()
    with replica.paused():
        fields = report_fields(lane.action_tracker, OrderId="KC-1")
        assert reports.account("POST", "Conversions", fields).status_code == 200
        actions = f"Actions?CampaignId={lane.action_tracker.program_id}"
        assert "KC-1" in reports.account("GET", actions).text
        of_other = reads.account("GET", actions)
        assert LAG_HEADER in of_other.headers
        assert "KC-1" not in of_other.text
    replica.catch_up()
    assert "KC-1" in reads.account("GET", actions).text
    assert LAG_HEADER in reports.account("GET", actions).headers, "the replica has what the token reported"


def test_rights_are_read_from_the_primary(
    replica: Replica, lane: Postback, operator: Client, caught_up: Callable[[], None]
) -> None:
    settle()
    caught_up()
    with replica.paused():
        User.objects.update(is_superuser=False, is_staff=False)
        assert operator.get(LOG).status_code in (302, 403)


def test_a_replica_that_is_down_is_not_missed(
    replica: Replica, lane: Postback, operator: Client, caught_up: Callable[[], None]
) -> None:
    delivery = make_delivery(lane)
    settle()
    caught_up()
    assert LAG_HEADER in operator.get(LOG).headers
    replica.kill()
    try:
        for _ in range(2):
            response = operator.get(LOG)
            assert response.status_code == 200
            assert f"{LOG}{delivery.pk}/" in response.text
        assert not watch.is_usable()
        (finding,) = look_at_replica()
        assert "The replica is not used" in finding.what
        assert finding.fix
    finally:
        replica.start()
    caught_up()
    assert LAG_HEADER in operator.get(LOG).headers
    serves, failed = look_at_replica()
    assert "reads go there" in serves.what
    assert "Reads failed on the replica" in failed.what


def test_a_read_that_stands_in_the_way_of_replay_goes_to_the_primary(
    replica: Replica, lane: Postback, reader: Reading
) -> None:
    assert reads_there()
    began, answered = threading.Event(), []
    sleeps = f"pg_sleep(CASE WHEN ({WHERE}) THEN 60 ELSE 0 END)"
    statement = f"SELECT ({WHERE}), {sleeps} FROM partners_program LIMIT 1"  # noqa: S608 -- made of constants

    def read() -> None:
        with reader.begun(), reading.cursor() as cursor:
            began.set()
            cursor.execute(statement)
            answered.append(cursor.fetchone()[0])
            answered.append(reads_there())
        connections.close_all()

    thread = threading.Thread(target=read)
    thread.start()
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    wait_until(lambda: replica.ask(asleep), 10, "the read is under way")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE partners_program IN ACCESS EXCLUSIVE MODE")
    thread.join(20)
    assert answered == [False, False], "the same request goes on with the primary"
    assert not watch.is_usable(), "and others for a while"
    assert marks.told(redis)[0] == 1
    assert "conflict with recovery" in marks.told(redis)[2]


def test_a_read_that_hangs_on_the_replica_goes_to_the_primary(
    replica: Replica, reader: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "ANSWER_SECONDS", 0.3)
    assert reads_there()
    answered = []

    def read() -> None:
        with Reading("somebody else").begun() as _:
            answered.append(reads_there())
            began.set()
            resumed.wait(20)
            answered.append(reads_there())
        connections.close_all()

    began, resumed = threading.Event(), threading.Event()
    thread = threading.Thread(target=read)
    thread.start()
    began.wait(20)
    with replica.frozen():
        resumed.set()
        watch.look()
        thread.join(20)
    assert answered == [True, False]
    assert "no answer" in watch.trouble


def test_a_replica_too_far_behind_is_not_used_until_it_has_caught_up(
    replica: Replica, lane: Postback, operator: Client, caught_up: Callable[[], None], settings: Any
) -> None:
    settle()
    caught_up()
    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 0.2
    with replica.paused():
        delivery = make_delivery(lane)

        def is_behind() -> bool:
            watch.look()
            return "behind" in watch.trouble

        wait_until(is_behind, 5, "it is found too far behind")
        assert f"{LOG}{delivery.pk}/" in operator.get(LOG).text
    caught_up()
    assert LAG_HEADER in operator.get(LOG).headers


def test_a_primary_at_rest_makes_no_replica_old() -> None:
    rests = Watch()
    rests.replayed = 100
    assert rests._behind(now=1.0, here=100, by_commit=9_000.0) == 0.0
    assert rests._behind(now=2.0, here=140, by_commit=9_000.0) == 1.0, "as old as what it has replayed"
    assert rests._behind(now=5.0, here=180, by_commit=9_000.0) == 4.0
    rests.replayed = 150
    assert rests._behind(now=6.0, here=180, by_commit=9_000.0) == 4.0
    rests.replayed = 180
    assert rests._behind(now=7.0, here=180, by_commit=9_000.0) == 0.0


def test_a_column_that_the_replica_has_not_yet_is_read_from_the_primary(replica: Replica, reader: Reading) -> None:
    assert reads_there()
    with replica.paused():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE of_a_new_release AS SELECT 1 AS number")
        try:
            with reading.cursor() as cursor:
                cursor.execute("SELECT number FROM of_a_new_release")
                assert cursor.fetchone() == (1,)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE of_a_new_release")
    assert watch.is_usable(), "the replica is well"


def test_in_a_transaction_and_after_a_write_all_is_the_primarys(replica: Replica, reader: Reading) -> None:
    assert reads_there()
    with transaction.atomic():
        assert not reads_there()
        assert Program.objects.all().db == "default"
    assert Program.objects.all().db == "replica"
    assert User.objects.all().db == "default"
    make_program(name="Written")
    assert Program.objects.all().db == "default"
    assert Program.objects.filter(name="Written").exists()


def test_without_redis_or_its_memory_a_reader_gets_the_primary(
    replica: Replica, caught_up: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle()
    caught_up()
    with Reading("somebody").begun():
        assert reads_there()
    with replica.paused():
        make_program(name="Written")
        redis.flushdb()
        with Reading("somebody").begun():
            assert not reads_there(), "who may have written is no longer known"
        settle()
        with Reading("somebody").begun():
            assert reads_there()
        monkeypatch.setattr(patience, "_asked_again_at", float("inf"))
        with Reading("somebody").begun():
            assert not reads_there()
        marks.note("somebody", 1)
        monkeypatch.setattr(patience, "_asked_again_at", 0.0)
        with Reading("anybody").begun():
            assert not reads_there(), "a mark could not be written"


def test_each_page_that_is_read_there_exists_and_is_listed() -> None:
    documented = (BASE_DIR / "docs" / "replica.md").read_text()
    known = {
        f"{space}:{name}"
        for space, (_, resolver) in get_resolver().namespace_dict.items()
        for name in resolver.reverse_dict
        if isinstance(name, str)
    }
    assert known >= READ_THERE
    for name in sorted(READ_THERE):
        assert f"`{name}`" in documented, name
