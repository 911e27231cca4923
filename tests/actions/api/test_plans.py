"""How the database finds a page among very many actions: by an index, and without reading all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from partners.models import ActionTracker
from tests.support.api import Caller
from tests.support.bulk_actions import make_actions
from tests.support.factories import make_tracker

COUNT, OF_ANOTHER = 150_000, 15_000
PARTS = 50
FIRST, APART = datetime(2024, 1, 1, tzinfo=UTC), timedelta(minutes=5)  # A year and a half of them.
PAGE = 200
# Of hundreds of thousands. A program's share is a tenth, so that ten times a page is read for one of its pages, with
# an action beside each update.
MOST_READ = 25 * PAGE

QUERIES = (
    "Actions?",
    "Actions?CampaignId={another}&",
    "Actions?ActionDateStart=2024-06-01&ActionDateEnd=2024-09-01&",
    "Actions?CampaignId={another}&ActionDateStart=2024-06-01&ActionDateEnd=2024-09-01&",
    "Actions?CampaignId={another}&LockingDateStart=2024-06-01&LockingDateEnd=2024-09-01&",
    "Actions?CampaignId={another}&StartDate=2024-06-01&EndDate=2024-09-01&",
    "Actions?StartDate=2024-06-01&",
    "Actions?Oid=many%2077&",
    "ActionUpdates?",
    "ActionUpdates?CampaignId={another}&",
    "ActionUpdates?StartDate=2024-06-01&EndDate=2024-09-01&",
    "ActionUpdates?CampaignId={another}&StartDate=2024-06-01&EndDate=2024-09-01&",
    "ActionUpdates?CampaignId={another}&ActionDateStart=2024-06-01&ActionDateEnd=2024-06-20&",
)


@pytest.fixture
def another(tracker: ActionTracker) -> ActionTracker:
    """An event type of another program, with a tenth of very many actions."""
    another = make_tracker()
    for part in range(PARTS):  # They come in turn, as they do from two programs.
        for of, count in ((tracker, COUNT // PARTS), (another, OF_ANOTHER // PARTS)):
            make_actions(of, count, first=FIRST, apart=APART * (COUNT // PARTS // count), already=part * count)
    with connection.cursor() as cursor:
        # A sample of all rows, so that the plan does not depend on which ones are drawn.
        cursor.execute("SET LOCAL default_statistics_target = 1000")
        cursor.execute("ANALYZE actions_action, actions_actionevent")
    return another


def test_every_list_finds_its_pages_by_an_index(call: Caller, another: ActionTracker) -> None:
    for query in QUERIES:
        path = f"{query.format(another=another.program_id)}PageSize={PAGE}"
        pages = 0
        while path and pages < 2:  # The first one, and one behind a key.
            with CaptureQueriesContext(connection) as captured:
                page = call("GET", path).json()
            for statement in (each["sql"] for each in captured if _reads_actions(each["sql"])):
                plan = explained(statement)
                whole = [node for node in plan if node["Node Type"].endswith("Seq Scan") and "actions_a" in str(node)]
                assert not whole, (path, statement, whole)
                read = max(_rows(node) for node in plan)
                assert read <= MOST_READ, (path, statement, read)
            path = page["@nextpageuri"].partition(f"/{call.token.account_sid}/")[2]
            pages += 1
        assert pages == (1 if "Oid" in query else 2), query


def _reads_actions(statement: str) -> bool:
    counts = "COUNT(*)" in statement
    return not counts and ("actions_action" in statement or "actions_actionevent" in statement)


def explained(statement: str) -> list[dict[str, Any]]:
    """The nodes of the plan that the database carries the statement out by."""
    with connection.cursor() as cursor:
        _, _, bare = statement.rpartition("; ")  # Behind the limits of time that the web's statements carry.
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {bare}")
        found = cursor.fetchone()[0]
    return list(_nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {name: value for name, value in plan.items() if name != "Plans"}
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _rows(node: dict[str, Any]) -> float:
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float((node["Actual Rows"] + removed) * node["Actual Loops"])
