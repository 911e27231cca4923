"""Lists page by page: each reader reads each entry once, whatever happens meanwhile, and no page costs more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis import Redis

from actions.api import lists
from actions.api.page_key import PageKey
from actions.api.pages import Order
from actions.models import Action, ActionEvent
from actions.reports.rejected import Rejected
from partners.models import ActionTracker
from stores import patience as api_redis
from tests.support.api import Caller
from tests.support.bulk_actions import make_actions
from tests.support.factories import make_tracker, record_action
from tests.support.readers import (
    READERS,
    Get,
    by_next_address,
    by_next_page_uri,
    by_number,
    by_windows,
    until_a_short_page,
)

pytestmark = pytest.mark.usefixtures("patient_redis")

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
LISTS = (
    "Actions?",
    "Actions?ActionDateStart=2026-01-01&",
    "Actions?LockingDateStart=2026-01-01&",
    "Actions?StartDate=2026-01-01&",
)
Reader = Callable[[Get, str, str], Iterator[dict[str, Any]]]


@pytest.fixture
def patient_redis(empty_redis: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The API waits for Redis however long it takes: what these tests see must not hang on the machine's load."""
    monkeypatch.setattr(api_redis, "_redis", Redis.from_url(settings.REDIS_URL))
    monkeypatch.setattr(api_redis, "_asked_again_at", 0.0)


@pytest.fixture
def get(call: Caller) -> Get:
    """Reads a path, or an address of a page, with the token of `call`."""

    def read(path: str) -> dict[str, Any]:
        response = call("GET", path.removeprefix(f"/Advertisers/{call.token.account_sid}/"))
        assert response.status_code == 200, response.content
        content: dict[str, Any] = response.json()
        return content

    return read


def order_ids(entries: Iterable[dict[str, Any]]) -> list[str]:
    return [each["Oid"] for each in entries]


def expected(count: int) -> list[str]:
    return sorted(f"many {number}" for number in range(count))


@pytest.mark.parametrize("reader", [by_number, by_next_address, until_a_short_page])
def test_thousands_of_actions_are_read_once_each(get: Get, tracker: ActionTracker, reader: Reader) -> None:
    make_actions(tracker, 3_000, first=FIRST)
    assert sorted(order_ids(reader(get, "Actions?PageSize=300", "Actions"))) == expected(3_000)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("reader", READERS)
def test_every_order_and_reader_has_each_action_once(
    get: Get, tracker: ActionTracker, reader: Reader, path: str
) -> None:
    make_actions(tracker, 40, first=FIRST, apart=timedelta(0))  # All of one moment: the id decides.
    make_actions(tracker, 40, first=FIRST, already=40)
    assert sorted(order_ids(reader(get, f"{path}PageSize=10", "Actions"))) == expected(80)


def test_windows_with_shared_edges_have_each_action_and_update_once(get: Get, tracker: ActionTracker) -> None:
    make_actions(tracker, 200, first=datetime(2025, 11, 1, tzinfo=UTC), apart=timedelta(days=1))
    make_actions(make_tracker(), 10, first=FIRST, already=200)
    until = datetime(2026, 4, 1, tzinfo=UTC)
    dated = sorted(Action.objects.filter(event_date__lt=until).values_list("order_id", flat=True))
    assert len(dated) == 161
    for name, span in (("Actions", ("ActionDateStart", "ActionDateEnd")), ("ActionUpdates", ("StartDate", "EndDate"))):
        read = by_windows(get, name, span, since=datetime(2025, 1, 1, tzinfo=UTC), until=until)
        assert sorted(order_ids(read)) == dated


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("reader", READERS)
def test_what_comes_meanwhile_moves_nothing_out_of_the_pages(
    get: Get, tracker: ActionTracker, reader: Reader, path: str
) -> None:
    make_actions(tracker, 60, first=FIRST)
    read: list[str] = []
    for each in reader(get, f"{path}PageSize=10", "Actions"):
        read.append(each["Oid"])
        if len(read) % 10 == 5:
            record_action(tracker)
    assert sorted(each for each in read if each.startswith("many")) == expected(60)


@pytest.mark.parametrize("reader", READERS)
def test_actions_that_leave_a_list_take_no_others_with_them(get: Get, tracker: ActionTracker, reader: Reader) -> None:
    make_actions(tracker, 60, first=FIRST)
    read: list[str] = []
    for each in reader(get, "Actions?State=PENDING&PageSize=10", "Actions"):
        read.append(each["Oid"])
        if len(read) % 10 == 1:
            Action.objects.filter(order_id=each["Oid"]).update(status=Action.Status.REVERSED)
    assert sorted(read) == expected(60)


@pytest.mark.parametrize("path", LISTS)
def test_pages_are_counted_off_while_redis_is_away(
    get: Get, tracker: ActionTracker, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_redis, "_redis", Redis.from_url("redis://127.0.0.1:1"))
    monkeypatch.setattr(api_redis, "_asked_again_at", 0.0)
    make_actions(tracker, 45, first=FIRST)
    assert sorted(order_ids(by_number(get, f"{path}PageSize=10", "Actions"))) == expected(45)


def test_a_page_can_be_asked_for_out_of_turn(get: Get, tracker: ActionTracker) -> None:
    make_actions(tracker, 45, first=FIRST)
    numbers = [5, 3, 1, 4, 2]
    pages = [order_ids(get(f"Actions?PageSize=10&Page={number}")["Actions"]) for number in numbers]
    assert [len(page) for page in pages] == [5, 10, 10, 10, 10]
    assert sorted(oid for page in pages for oid in page) == expected(45)


def test_a_page_out_of_turn_is_not_moved_by_what_came_since_the_first(get: Get, tracker: ActionTracker) -> None:
    make_actions(tracker, 40, first=FIRST)
    read = order_ids(get("Actions?PageSize=10&Page=1")["Actions"])
    for _ in range(3):
        record_action(tracker)
    for number in (4, 3, 2):
        read += order_ids(get(f"Actions?PageSize=10&Page={number}")["Actions"])
    assert sorted(read) == expected(40)


def test_a_reading_that_begins_again_sees_what_is_new(get: Get, tracker: ActionTracker) -> None:
    make_actions(tracker, 30, first=FIRST)
    assert len(order_ids(by_number(get, "Actions?PageSize=10", "Actions"))) == 30
    make_actions(tracker, 5, first=FIRST, already=30)
    assert sorted(order_ids(by_number(get, "Actions?PageSize=10", "Actions"))) == expected(35)


@pytest.mark.parametrize("already", [20, 25])
def test_what_comes_behind_the_last_page_is_found_there(get: Get, tracker: ActionTracker, already: int) -> None:
    make_actions(tracker, already, first=FIRST)
    assert len(order_ids(by_number(get, "ActionUpdates?PageSize=10", "ActionUpdates"))) == already
    assert get("ActionUpdates?PageSize=10&Page=4")["ActionUpdates"] == []
    make_actions(tracker, 3, first=FIRST, already=already)
    assert len(get("ActionUpdates?PageSize=10&Page=3")["ActionUpdates"]) == already - 20 + 3


def test_the_envelope_of_a_page(get: Get, call: Caller, tracker: ActionTracker) -> None:
    make_actions(tracker, 25, first=FIRST)
    base = f"/Advertisers/{call.token.account_sid}/Actions?PageSize=10"
    first = get("Actions?PageSize=10")
    tenth = Action.objects.order_by("-pk")[9].pk
    following = f"{base}&Page=2&PageKey=25-{tenth}"
    assert {name: value for name, value in first.items() if name.startswith("@")} == {
        "@page": "1",
        "@numpages": "3",
        "@pagesize": "10",
        "@total": "25",
        "@start": "0",
        "@end": "9",
        "@uri": base,
        "@firstpageuri": f"{base}&Page=1",
        "@previouspageuri": "",
        "@nextpageuri": following,
        "@lastpageuri": f"{base}&Page=3",
    }
    assert first["NextPageUri"] == following
    last = get("Actions?PageSize=10&Page=3")
    named = ("@page", "@start", "@end", "@nextpageuri", "@previouspageuri", "NextPageUri")
    assert [last[name] for name in named] == ["3", "20", "24", "", f"{base}&Page=2", ""]


@pytest.mark.parametrize("path", LISTS)
def test_past_the_end_is_an_empty_page(get: Get, tracker: ActionTracker, path: str) -> None:
    make_actions(tracker, 20, first=FIRST)
    for number in (3, 4, 1_000_000_000):
        page = get(f"{path}PageSize=10&Page={number}")
        assert (page["Actions"], page["@nextpageuri"], page["@total"], page["@numpages"]) == ([], "", "20", "2")
    nothing = get("Actions?OrderId=unknown")
    assert (nothing["Actions"], nothing["@total"], nothing["@numpages"]) == ([], "0", "1")


def test_a_page_has_two_thousand_unless_it_says_otherwise(get: Get, tracker: ActionTracker) -> None:
    make_actions(tracker, 2_001, first=FIRST)
    page = get("Actions")
    assert (len(page["Actions"]), page["@pagesize"], page["@numpages"]) == (2_000, "2000", "2")
    assert len(get("Actions?PageSize=20000")["Actions"]) == 2_001


@pytest.mark.parametrize("query", ["", "StartDate=2026-01-01&"], ids=["by id", "by update"])
def test_of_very_many_the_total_is_an_upper_bound(
    get: Get, tracker: ActionTracker, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr("actions.api.lists.NEWEST_FIRST", Order(counted=20))
    monkeypatch.setattr("actions.api.lists._BY_UPDATE", replace(lists._BY_UPDATE, counted=20))
    make_actions(tracker, 60, first=FIRST)
    ids = list(Action.objects.order_by("pk").values_list("pk", flat=True))
    Action.objects.filter(pk__in=ids[20:50]).update(status=Action.Status.REVERSED)
    path = f"Actions?{query}State=PENDING&PageSize=10"
    assert get(path)["@total"] == "60"
    assert len(order_ids(by_number(get, path, "Actions"))) == 30
    after = get(f"{path}&Page=5")  # Where the list ends is known by now.
    assert (after["Actions"], after["@total"], after["@numpages"]) == ([], "30", "3")


def test_what_has_come_since_the_count_is_another_page(get: Get, tracker: ActionTracker) -> None:
    make_actions(tracker, 20, first=FIRST)
    following = get("Actions?ActionDateStart=2026-01-01&PageSize=10")["@nextpageuri"]
    make_actions(tracker, 5, first=FIRST - timedelta(days=2), already=20)
    page = get(following)
    assert (page["@page"], page["@numpages"]) == ("2", "3")
    assert len(get(page["@nextpageuri"])["Actions"]) == 5


@pytest.mark.parametrize("query", ["", "StartDate=2026-01-01&"], ids=["by number", "by date"])
def test_updates_are_read_on_from_the_last_one(get: Get, tracker: ActionTracker, query: str) -> None:
    make_actions(tracker, 25, first=FIRST)
    reader = by_next_page_uri(get, f"ActionUpdates?{query}PageSize=10", "ActionUpdates")
    assert order_ids(reader) == [f"many {number}" for number in range(25)]
    path = f"ActionUpdates?{query}PageSize=25"
    for _ in range(3):  # The last one leads to itself.
        path = get(path)["NextPageUri"]
    assert get(path)["ActionUpdates"] == []
    update = ActionEvent.objects.latest("pk")
    update.pk, update.number, update.kind = None, 2, ActionEvent.Kind.MODIFIED
    update.recorded_at += timedelta(hours=1)
    update.save()
    assert [each["UpdateType"] for each in get(path)["ActionUpdates"]] == ["MODIFIED"]


@pytest.mark.parametrize(
    "key",
    ["1", "1-", "-1-2", "1-2-3-4", "x-y", "1-1٣", "9" * 30, "1-" + "9" * 19, "1-2-" + "9" * 17, "1-2\0", "1-2\n"],
)
def test_a_key_that_no_page_has_given_is_refused(call: Caller, key: str) -> None:
    with pytest.raises(Rejected):
        PageKey.read("PageKey", key)


@pytest.mark.parametrize("path", ["Actions?PageKey=5-5-5", "Actions?ActionDateStart=2026-01-01&PageKey=5-5"])
def test_a_key_of_another_order_is_refused(call: Caller, path: str) -> None:
    response = call("GET", path)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "PageKey")


def test_a_key_reads_as_it_was_written() -> None:
    for key in (PageKey(0, 0), PageKey(7, 9, datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC))):
        assert PageKey.read("PageKey", str(key)) == key


def test_no_page_asks_more_of_the_database_than_the_one_before(get: Get, tracker: ActionTracker) -> None:
    make_actions(tracker, 60, first=FIRST)
    asked: list[list[str]] = []
    for number in range(1, 6):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            get(f"Actions?PageSize=10&Page={number}")
        asked.append(
            [query["sql"] for query in queries if "actions_a" in query["sql"] and "apitoken" not in query["sql"]]
        )
    assert [len(each) for each in asked] == [5, 3, 3, 3, 3]  # The first counts, and asks for the highest id.
    assert not [sql for page in asked for sql in page if "OFFSET" in sql]
