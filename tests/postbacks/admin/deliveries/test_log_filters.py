"""The filters of the log: what they accept, the chips, and those that a user keeps."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from postbacks.models import Delivery, Postback, SavedFilter
from tests.support.log_rows import make_attempt, make_finished, numbers

pytestmark = pytest.mark.django_db

LOG = "/admin/postbacks/delivery/"


def shown(client: Client, query: str) -> list[int]:
    answer = client.get(f"{LOG}?{query}")
    assert answer.status_code == 200
    assert not answer.context["form"].errors, query
    return [row.delivery.pk for row in answer.context["page"].rows]


def test_a_status_is_one_or_a_class(root: Client, postback: Postback) -> None:
    made = {}
    for status in (200, 404, 500, 503):
        made[status] = make_finished(postback, Delivery.State.FAILED)
        make_attempt(made[status], status=status, succeeded=status == 200)

    assert shown(root, "status=404") == [made[404].pk]
    assert shown(root, "status=5XX") == [made[503].pk, made[500].pk]
    assert shown(root, "status=2xx") == [made[200].pk]
    for wrong in ("4", "6xx", "xx5", "099", "4xy"):
        form = root.get(f"{LOG}?status={wrong}").context["form"]
        assert form.errors == {"status": ["Enter a status such as 404, or a class such as 5xx."]}


def test_retrying_is_what_waits_after_a_failed_attempt(root: Client, postback: Postback) -> None:
    waits: dict[str, Any] = {"finished_at": None, "reason": ""}
    make_finished(postback, Delivery.State.READY, attempts_made=0, **waits)
    again = make_finished(postback, Delivery.State.READY, attempts_made=2, **waits)
    make_finished(postback, Delivery.State.FAILED, attempts_made=2)

    assert shown(root, "state=retrying") == [again.pk]


def test_what_is_not_finished_has_not_ended(root: Client) -> None:
    for state in ("unfinished", "retrying", "ready", "blocked", "sending"):
        assert "time" in root.get(f"{LOG}?time=ended&state={state}").context["form"].errors


def test_a_day_is_that_of_the_zone_of_the_screen(root: Client, postback: Postback) -> None:
    """An hour before a midnight and an hour after it are of different days, wherever that midnight is."""
    root.cookies["time_zone"] = "Asia/Kolkata"
    with timezone.override("Asia/Kolkata"):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    before = make_finished(postback, created_at=midnight - timedelta(minutes=1))
    after = make_finished(postback, created_at=midnight + timedelta(seconds=1))

    assert shown(root, "when=today") == [after.pk]
    assert shown(root, "when=yesterday") == [before.pk]
    assert shown(root, "") == numbers([after, before])


def test_a_time_with_its_zone_is_shown_in_that_of_the_screen(root: Client, postback: Postback) -> None:
    root.cookies["time_zone"] = "America/New_York"
    answer = root.get(f"{LOG}?since=2026-11-20T12:00:00.000Z&until=2026-11-20T12:00:00.125Z")

    assert 'value="2026-11-20T07:00:00"' in str(answer.context["form"]["since"])
    assert 'value="2026-11-20T07:00:00.125' in str(answer.context["form"]["until"])
    assert [chip.text for chip in answer.context["chips"]] == ["From 2026-11-20 07:00", "Until 2026-11-20 07:00:00"]


def test_a_search_sets_no_other_filter(root: Client, postback: Postback) -> None:
    """The form sends all its fields."""
    make_finished(postback, "delivered")
    context = root.get(LOG, {"q": "", "time": "made", "state": "", "reason": "", "since": ""}).context
    assert (context["chips"], context["narrowed"]) == ([], False)


def test_a_time_is_shown_as_finely_as_the_field_of_a_browser_takes_it(root: Client) -> None:
    """It would empty itself of a finer one, and *Apply* would drop the filter."""
    form = root.get(f"{LOG}?until=2026-11-20T12:00:00.123456Z").context["form"]
    assert re.search(r'value="([^"]*)"', str(form["until"]))[1].endswith("00:00.123")  # type: ignore[index]


@pytest.mark.parametrize("typed", ["garbage", "0001-01-01", "9999-12-31T23:59:59", "2026-02-30T00:00"])
def test_what_is_no_time_is_refused_with_what_to_write(root: Client, typed: str) -> None:
    with timezone.override("Asia/Tokyo"):
        (error,) = root.get(LOG, {"since": typed}).context["form"].errors["since"]
    assert error.startswith("Enter a ")


def test_each_filter_is_a_chip_that_can_be_taken_away(root: Client, postback: Postback) -> None:
    given = {
        "q": "SS-1",
        "state": "retrying",
        "status": "5xx",
        "reason": "status_5xx",
        "postback": str(postback.pk),
        "partner": str(postback.partner_id),
        "program": str(postback.action_tracker.program_id),
        "action_tracker": str(postback.action_tracker_id),
        "time": "attempted",
        "when": "week",
    }
    chips = root.get(LOG, {**given, "before": "12"}).context["chips"]

    assert [chip.text for chip in chips] == [
        "Search: SS-1",
        "State: Retrying",
        "Status: 5xx",
        "Reason: Status 5xx",
        "Postback: Compass: Sales",
        "Partner: Compass",
        "Program: Summit",
        "Event type: Online Sale",
        "Time: each attempt",
        "This week",
    ]
    for chip, name in zip(chips, given, strict=True):
        assert parse_qs(chip.without) == {key: [value] for key, value in given.items() if key != name}


def user_who_sees_the_log(client: Client, name: str) -> Any:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_delivery"))
    client.force_login(user)
    return user


def test_filters_are_kept_by_whoever_sees_the_log(client: Client) -> None:
    user = user_who_sees_the_log(client, "vera")
    query = "state=failed&when=today"

    client.post(f"{LOG}filters/save/?{query}&before=7&nonsense=1", {"name": " Failed today "})
    client.post(f"{LOG}filters/save/?state=retrying", {"name": "Failed today"})
    client.post(f"{LOG}filters/save/?{query}", {"name": "As before"})

    assert list(SavedFilter.objects.values_list("user", "name", "query")) == [
        (user.pk, "As before", query),
        (user.pk, "Failed today", "state=retrying"),
    ]
    saved = client.get(f"{LOG}?when=today&state=failed").context["saved"]
    assert [(each.name, chosen) for each, chosen in saved] == [("As before", True), ("Failed today", False)]


@pytest.mark.parametrize(("query", "name"), [("", "Nothing"), ("nonsense=1", "Nothing"), ("state=failed", " ")])
def test_what_is_no_filter_or_has_no_name_is_not_kept(root: Client, query: str, name: str) -> None:
    root.post(f"{LOG}filters/save/?{query}", {"name": name})
    root.post(f"{LOG}filters/save/?{query}", {"name": "x" * 61})

    assert SavedFilter.objects.filter(name__in=(name, "x" * 61)).count() == 0


def test_nobody_sees_or_deletes_those_of_others(client: Client) -> None:
    of_vera = SavedFilter.objects.create(
        user=User.objects.create_user("vera", is_staff=True), name="Mine", query="state=failed"
    )
    user_who_sees_the_log(client, "olga")

    assert client.get(LOG).context["saved"] == []
    client.post(f"{LOG}filters/{of_vera.pk}/delete/")
    assert SavedFilter.objects.filter(pk=of_vera.pk).exists()

    client.force_login(of_vera.user)
    assert client.post(f"{LOG}filters/{of_vera.pk}/delete/").status_code == 403, "no longer sees the log"
