"""The log as a file: what it says, to whom, and what it says when it breaks off."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.database_time import limit_of
from postbacks.admin.deliveries import follow
from postbacks.admin.deliveries.export import COLUMNS, INCOMPLETE, safe_cell
from postbacks.delivery_log import paging
from postbacks.delivery_log.hits import Hit
from postbacks.models import Delivery, Postback
from tests.postbacks.admin.deliveries.test_resend_cancel import LOG, sign_in, told
from tests.support.factories import make_media_source, make_postback
from tests.support.log_rows import make_attempt, make_finished, quiet_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]

TOKEN = "export-0001"


@pytest.fixture
def viewer(client: Client) -> Client:
    return sign_in(client, "view_delivery")


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()  # At its end the test client closes it.


def drop(answer: Any) -> None:
    """As when the client leaves, but for the connection to the database, which is the test's too."""
    for close in answer._resource_closers:
        close()


def rows_of(client: Client, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(client.get(f"{LOG}export/?as=csv&{query}")), newline="")))


def objects_of(client: Client, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text_of(client.get(f"{LOG}export/?as=json&{query}")))
    return found


def test_the_file_has_what_the_log_shows(viewer: Client, postback: Postback) -> None:
    old = make_finished(postback, "failed", reason='=HYPERLINK("http://a")\n2')
    make_attempt(old, 1, status=503, started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=ZoneInfo("UTC")))
    new = make_finished(postback, "delivered", old.event)
    viewer.cookies["time_zone"] = "Europe/Berlin"

    answer = viewer.get(f"{LOG}export/?as=csv&state=failed")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="deliveries-')
    drop(answer)
    (row,) = rows_of(viewer, "state=failed")
    assert tuple(row) == COLUMNS
    assert (row["delivery"], row["state"], row["status"], row["resent_as"]) == (
        str(old.pk),
        "Failed",
        "503",
        str(new.pk),
    )
    assert row["text"] == '\'=HYPERLINK("http://a")\n2'
    assert row["attempted_at"] == "2026-01-02T04:04:05.000+01:00"
    assert (row["owner_kind"], row["owner"], row["hidden"]) == ("partner", postback.owner.name, "")
    whole = objects_of(viewer)
    assert (whole["count"], whole["complete"]) == (2, True)
    assert [each["delivery"] for each in whole["deliveries"]] == [new.pk, old.pk]
    assert tuple(whole["deliveries"][0]) == COLUMNS
    assert whole["deliveries"][1]["text"].startswith("=HYPER"), "JSON needs no care for spreadsheets"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\ta", "\ra", "\na"])
def test_a_cell_is_no_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert (safe_cell("a=1"), safe_cell(-1), safe_cell(None)) == ("a=1", -1, "")


def test_pages_are_joined_and_nothing_is_cut(
    viewer: Client, postback: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE", 2)
    made = [make_finished(postback).pk for _ in range(5)][::-1]
    assert [int(row["delivery"]) for row in rows_of(viewer, f"progress={TOKEN}")] == made
    assert viewer.get(f"{LOG}export/progress/?token={TOKEN}").json() == {"rows": 5, "total": 5, "state": "done"}
    assert [each["delivery"] for each in objects_of(viewer, "state=delivered")["deliveries"]] == made
    assert objects_of(viewer, "state=failed") == {"deliveries": [], "count": 0, "complete": True}


def test_a_page_takes_the_same_queries_whatever_it_holds(viewer: Client, postback: Postback) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            rows_of(viewer)
        return len(queries)

    make_attempt(make_finished(postback))
    viewer.get(LOG)
    few = asked()
    for _ in range(4):
        make_attempt(make_finished(make_postback(postback.action_tracker, postback.owner)))
    assert asked() == few


def test_what_breaks_off_says_so_in_the_file(
    viewer: Client, postback: Postback, monkeypatch: pytest.MonkeyPatch
) -> None:
    hits = [Hit(str(pk), pk) for pk in (make_finished(postback).pk for _ in range(2))]

    def pages(*_: Any, **__: Any) -> Any:
        yield hits
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(follow, "pages_of", pages)
    *rows, last = rows_of(viewer, f"progress={TOKEN}")
    assert len(rows) == 2
    assert last["delivery"] == INCOMPLETE
    assert last["made_at"].startswith("The export broke off after 2 rows; the rest is missing.")
    assert viewer.get(f"{LOG}export/progress/?token={TOKEN}").json()["state"] == "broken"
    whole = objects_of(viewer)
    assert (len(whole["deliveries"]), whole["count"], whole["complete"]) == (2, 2, False)
    assert whole["error"].startswith("The export broke off after 2 rows")


def test_who_may_not_see_personal_data_exports_none(client: Client, postback: Postback) -> None:
    personal = make_finished(postback, event=quiet_event(postback, CustomerCity="Lund"))
    plain = make_finished(postback)
    for delivery in (personal, plain):
        make_attempt(delivery, url="https://receiver.example/in?city=Lund")
    sign_in(client, "view_delivery")
    shown = {row["delivery"]: (row["url"], row["hidden"]) for row in rows_of(client)}
    assert "Lund" not in shown[str(personal.pk)][0]
    assert shown[str(personal.pk)][1] == "personal data"
    assert shown[str(plain.pk)] == ("https://receiver.example/in?city=Lund", "")


def test_an_operator_exports_personal_data_and_no_secret(client: Client, postback: Postback) -> None:
    sign_in(client, "view_delivery", "view_personal_data")
    make_attempt(
        make_finished(postback, event=quiet_event(postback, CustomerCity="Lund")), url="https://r.example/?c=Lund"
    )
    (row,) = rows_of(client)
    assert (row["url"], row["hidden"]) == ("https://r.example/?c=Lund", "")


def test_networks_are_exported_for_those_who_see_them(viewer: Client, postback: Postback) -> None:
    hidden = make_finished(make_postback(postback.action_tracker, make_media_source()))
    shown = make_finished(postback)
    assert [int(row["delivery"]) for row in rows_of(viewer)] == [shown.pk]
    assert viewer.get(f"{LOG}newer/?after={shown.pk - 1}").json() == {"count": 1, "more": False}
    assert Delivery.objects.filter(pk=hidden.pk).exists()


def test_without_the_right_to_see_deliveries_there_is_nothing(client: Client) -> None:
    sign_in(client, "view_partner")
    for page in ("export/", "export/progress/", "newer/?after=0"):
        assert client.get(LOG + page).status_code == 403


def test_only_some_run_at_once_and_a_dropped_one_makes_room(viewer: Client, postback: Postback) -> None:
    make_finished(postback)
    opened = [viewer.get(f"{LOG}export/") for _ in range(follow.AT_ONCE)]
    refused = viewer.get(f"{LOG}export/?as=csv&state=failed&progress={TOKEN}", follow=True)
    assert refused.redirect_chain[-1][0] == f"{LOG}?state=failed"
    assert told(refused) == ["Other exports are running. Start this one when they are done."]
    for answer in opened:  # Nobody has read a piece of them.
        drop(answer)
    assert len(rows_of(viewer)) == 1


def test_wrong_filters_are_not_exported(viewer: Client, postback: Postback) -> None:
    make_finished(postback)
    for query, text in (
        ("state=x", "No export: correct the filters first."),
        ("as=x", "No export: choose CSV or JSON."),
    ):
        assert told(viewer.get(f"{LOG}export/?{query}", follow=True)) == [text]


def test_the_time_of_an_export_is_that_of_each_statement() -> None:
    assert limit_of("GET", f"{LOG}export/").shared is False
    assert limit_of("GET", f"{LOG}export/progress/").shared is True


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("time=attempted", [("one", 2, 200), ("one", 1, 500), ("other", 1, 200)], id="attempts"),
        pytest.param("status=5xx", [("one", 1, 500)], id="attempts with a status"),
        pytest.param("time=ended", [("other", 1, 200), ("one", 2, 200)], id="deliveries by when they ended"),
    ],
)
def test_the_rows_are_those_of_the_screen(
    viewer: Client, postback: Postback, query: str, expected: list[tuple[str, int, int]]
) -> None:
    now = timezone.now()
    names = {}
    for name, minutes, statuses in (("other", 1, [200]), ("one", 2, [500, 200])):
        delivery = make_finished(postback, finished_at=now - timedelta(minutes=minutes))
        names[delivery.pk] = name
        for number, status in enumerate(statuses, 1):
            make_attempt(delivery, number, status=status, succeeded=status == 200)
    rows = objects_of(viewer, query)["deliveries"]
    assert [(names[row["delivery"]], row["attempt"], row["status"]) for row in rows] == expected
    shown = viewer.get(f"{LOG}?{query}").context["page"]
    assert [row.delivery.pk for row in shown.rows] == [row["delivery"] for row in rows]
    assert viewer.get(f"{LOG}newer/?after={shown.newest}&{query}").json() == {"count": 0, "more": False}
    assert viewer.get(f"{LOG}newer/?after=0&{query}").json() == {"count": len(expected), "more": False}


def test_newer_rows_are_counted_by_the_filters(viewer: Client, postback: Postback, monkeypatch: Any) -> None:
    first = make_finished(postback)
    for state in ("failed", "failed", "delivered"):
        make_finished(postback, state)

    def newer(query: str) -> Any:
        return viewer.get(f"{LOG}newer/?after={first.pk}&{query}").json()

    assert newer("") == {"count": 3, "more": False}
    assert newer("state=failed") == {"count": 2, "more": False}
    assert newer("state=nothing") == {"count": 0, "more": False}
    assert viewer.get(f"{LOG}newer/?after=x").json() == {"count": 0, "more": False}
    monkeypatch.setattr(follow, "MOST_NEW", 2)
    monkeypatch.setattr(paging, "MOST_NEW", 2)
    assert newer("") == {"count": 2, "more": True}
    assert viewer.get(LOG).context["newest"] == str(Delivery.objects.latest("pk").pk)
    assert viewer.get(f"{LOG}?before={first.pk}").context["follows"] is False
