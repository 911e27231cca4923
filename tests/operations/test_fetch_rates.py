"""Fetching exchange rates: what is stored, what is held, and that nothing changes where something is wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import responses
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from notices.models import Notice
from notices.watching.rates import tell_of_rates
from operations.doctor.exchange_rates import judge_exchange_rates
from operations.exchange_rates import fetch as fetching
from operations.exchange_rates.background import fetcher
from operations.metrics import readings
from partners.models import ExchangeRate, HeldRate, RateFeed
from partners.published_rates.taking import accept, decline
from tests.support.channels import make_channel
from tests.support.ecb import DAILY_URL, HISTORY_URL, document
from tests.support.factories import make_rate

pytestmark = pytest.mark.django_db

FRIDAY, MONDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)
USUAL = {"USD": "1.0850", "JPY": "160.35"}
Rates = dict[str, str]
Publish = Callable[..., None]


@pytest.fixture(autouse=True)
def ecb(settings: Any) -> None:
    settings.EXCHANGE_RATES = "ecb"


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publish]:
    """Publishes a day's rates, and earlier ones in the document of the last 90 days; sets the day of now."""

    def published(
        day: date, rates: dict[str, str], *earlier: tuple[date, dict[str, str]], today: date = TUESDAY
    ) -> None:
        mock.reset()
        mock.get(DAILY_URL, body=document((day, rates)), content_type="text/xml")
        mock.get(HISTORY_URL, body=document((day, rates), *earlier), content_type="text/xml")
        monkeypatch.setattr(fetching, "today", lambda: today)

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        published.mock = mock  # type: ignore[attr-defined]  # For answers of other kinds.
        yield published


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("fetch_rates", *arguments, stdout=output, stderr=output)
    return output.getvalue().strip()


def table() -> dict[tuple[str, date], Decimal]:
    published = ExchangeRate.objects.filter(source="ecb", from_currency="EUR")
    return {(row.to_currency, row.date): row.rate for row in published}


def test_rates_are_stored_once_and_missed_days_are_filled(publish: Publish) -> None:
    publish(FRIDAY, USUAL, (date(2026, 11, 19), {"USD": "1.08", "JPY": "160"}), today=FRIDAY)
    assert run() == "4 rates of 2 days, from 2026-11-19 to 2026-11-20."
    assert run() == "Nothing new: the rates of 2026-11-20 are known."
    publish(TUESDAY, {"USD": "1.09", "JPY": "161"}, (MONDAY, {"USD": "1.0875", "JPY": "160"}))
    assert run() == "4 rates of 2 days, from 2026-11-23 to 2026-11-24."
    assert table() == {
        ("USD", date(2026, 11, 19)): Decimal("1.08"),
        ("JPY", date(2026, 11, 19)): Decimal(160),
        ("USD", FRIDAY): Decimal("1.085"),
        ("JPY", FRIDAY): Decimal("160.35"),
        ("USD", MONDAY): Decimal("1.0875"),
        ("JPY", MONDAY): Decimal(160),
        ("USD", TUESDAY): Decimal("1.09"),
        ("JPY", TUESDAY): Decimal(161),
    }


def test_over_a_weekend_the_history_is_not_asked_for(publish: Publish) -> None:
    publish(FRIDAY, USUAL, today=FRIDAY)
    run()
    publish(MONDAY, USUAL)
    publish.mock.remove(responses.GET, HISTORY_URL)  # type: ignore[attr-defined]  # It would be an error to ask.
    assert run() == "2 rates of 2026-11-23."
    assert RateFeed.objects.get().error == ""


def test_a_gap_that_cannot_be_filled_is_told_and_filled_later(publish: Publish) -> None:
    publish(FRIDAY, USUAL, today=FRIDAY)
    run()
    publish(TUESDAY, USUAL)
    publish.mock.replace(responses.GET, HISTORY_URL, status=500)  # type: ignore[attr-defined]
    assert run() == (
        f"2 rates of 2026-11-24.\nDays before 2026-11-24 are still missing: {HISTORY_URL}: answered 500, not 200."
    )
    publish(TUESDAY, USUAL, (MONDAY, USUAL))
    assert run() == "2 rates of 2026-11-23."


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "away": ({"status": 404}, "answered 404, not 200."),
    "broken": ({"status": 500}, "answered 500, not 200."),
    "moved": ({"status": 301, "headers": {"Location": "https://x.example/"}}, "answered 301. Redirects are not"),
    "a page": ({"body": "<html><body>Maintenance</body></html>"}, "Line 1: it begins with <html>"),
    "cut off": ({"body": document((TUESDAY, USUAL))[:-40]}, "it is not XML"),
    "large": ({"body": b"<" + b" " * 50_000_000}, "The answer is longer than 1,048,576 bytes."),
    "of the future": ({"body": document((date(2026, 11, 25), USUAL))}, "2026-11-25, which is in the future."),
    "old": ({"body": document((date(2026, 11, 19), USUAL))}, "2026-11-19, but those of 2026-11-20 are stored."),
    "twice": ({"body": document((TUESDAY, USUAL)).replace("JPY", "USD")}, "USD comes twice for 2026-11-24"),
}


def test_a_private_address_is_not_asked(settings: Any) -> None:
    settings.EXCHANGE_RATES_URL = "http://127.0.0.1:1/daily.xml"
    with pytest.raises(CommandError, match=r"127\.0\.0\.1 is a loopback address.*\. Nothing was changed\.$"):
        run()


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_changes_nothing_and_is_told_with_its_place(publish: Publish, wrong: str) -> None:
    publish(FRIDAY, USUAL, today=FRIDAY)
    run()
    before = table()
    publish(TUESDAY, USUAL)
    answer, said = WRONG[wrong]
    publish.mock.replace(responses.GET, DAILY_URL, **answer)  # type: ignore[attr-defined]
    with pytest.raises(CommandError) as problem:
        run()
    assert str(problem.value).startswith(f"{DAILY_URL}: ")
    assert said in str(problem.value)
    assert str(problem.value).endswith(" Nothing was changed.")
    assert (table(), HeldRate.objects.count()) == (before, 0)
    (finding,) = judge_exchange_rates(FRIDAY, RateFeed.objects.get().error, [], TUESDAY)
    assert said in finding.what
    publish(TUESDAY, USUAL)
    assert run() == "2 rates of 2026-11-24."


def test_one_day_a_dry_run_and_json(publish: Publish) -> None:
    publish(TUESDAY, USUAL, (MONDAY, {"USD": "1.0875", "JPY": "160"}))
    said = json.loads(run("--dry-run", "--json"))
    assert [day["day"] for day in said["days"]] == ["2026-11-23", "2026-11-24"]
    assert said["days"][1]["added"] == {"JPY": "160.35", "USD": "1.0850"}
    assert run("--dry-run").startswith("Would add: 4 rates of 2 days")
    assert (table(), RateFeed.objects.filter(whole_until__isnull=False).count()) == ({}, 0)
    assert run("--day", "2026-11-23") == "2 rates of 2026-11-23."
    with pytest.raises(CommandError, match="No rates are published for 2026-11-22: there are none for weekends"):
        run("--day", "2026-11-22")
    assert run() == "2 rates of 2026-11-24.", "and what one day has filled is not filled again"


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_store_once(publish: Publish) -> None:
    publish(TUESDAY, USUAL, (MONDAY, USUAL))
    both = threading.Barrier(2, timeout=20)
    results: list[int] = []

    def one() -> None:
        both.wait()
        try:
            results.append(fetching.fetch().taken.added)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [0, 4]


@pytest.fixture
def jumped(publish: Publish) -> HeldRate:
    publish(MONDAY, USUAL)
    run()
    publish(TUESDAY, {"USD": "2.1700", "JPY": "161"})
    assert run() == (
        "1 rate of 2026-11-24.\n"
        "Held: USD 2.1700 of 2026-11-24. It differs by 100 % from 1.085 of 2026-11-23; up to 10 % are taken."
    )
    return HeldRate.objects.get()


def test_a_rate_that_jumps_is_held_and_accepted_on_its_page(jumped: HeldRate, root: Client) -> None:
    assert ("USD", TUESDAY) not in table()
    run()
    assert HeldRate.objects.count() == 1
    page = "/admin/partners/heldrate/"
    assert "It differs by 100 %" in root.get(page).content.decode()
    chosen = {"action": "accept_rates", "_selected_action": [jumped.pk]}
    assert "In force: 1 EUR = 2.1700 USD from 2026-11-24." in root.post(page, chosen, follow=True).content.decode()
    assert table()["USD", TUESDAY] == Decimal("2.17")
    assert not HeldRate.objects.exists()
    assert run() == "Nothing new: the rates of 2026-11-24 are known."


def test_a_declined_rate_is_not_held_again_and_the_next_usual_one_is_taken(jumped: HeldRate, publish: Publish) -> None:
    decline(jumped)
    run()
    assert HeldRate.objects.filter(declined_at=None).count() == 0
    publish(date(2026, 11, 25), {"USD": "1.09", "JPY": "161"}, today=date(2026, 11, 25))
    assert run() == "2 rates of 2026-11-25."


@pytest.mark.usefixtures("jumped")
def test_what_was_held_needs_no_answer_once_a_usual_rate_has_come(publish: Publish) -> None:
    publish(date(2026, 11, 25), {"USD": "1.09", "JPY": "161"}, today=date(2026, 11, 25))
    run()
    assert not HeldRate.objects.exists()


def test_what_is_no_number_is_held_and_cannot_be_accepted(publish: Publish, root: Client) -> None:
    publish(TUESDAY, {"USD": "1,0850", "JPY": "161"})
    assert "Held: USD 1,0850 of 2026-11-24. '1,0850' is not a number" in run()
    held = HeldRate.objects.get()
    with pytest.raises(ValueError, match="is no rate"):
        accept(held)
    chosen = {"action": "accept_rates", "_selected_action": [held.pk]}
    answer = root.post("/admin/partners/heldrate/", chosen, follow=True)
    assert "Type a rate, or decline this one." in answer.content.decode()
    assert HeldRate.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_who_may_change_rates_accepts_them(jumped: HeldRate, client: Client, role: str) -> None:
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    client.post("/admin/partners/heldrate/", {"action": "accept_rates", "_selected_action": [jumped.pk]})
    assert HeldRate.objects.exists() == (role == "viewer")


def test_a_published_rate_is_shown_with_its_source_and_cannot_be_edited(publish: Publish, root: Client) -> None:
    publish(TUESDAY, {"USD": "1.0850"})
    run()
    make_rate("EUR", "USD", "1.5", TUESDAY)
    assert table() == {("USD", TUESDAY): Decimal("1.085")}, "the typed one stands beside it"
    page = root.get("/admin/partners/exchangerate/").content.decode()
    assert "European Central Bank" in page
    row = ExchangeRate.objects.get(source="ecb")
    root.post(f"/admin/partners/exchangerate/{row.pk}/change/", {"rate": "9"})
    row.refresh_from_db()
    assert row.rate == Decimal("1.085")


def test_late_and_held_rates_are_told_once_and_measured(jumped: HeldRate) -> None:
    channel = make_channel()
    HeldRate.objects.update(held_at=timezone.now())
    late = datetime(2026, 12, 1, 12, tzinfo=timezone.get_default_timezone())
    for _ in range(3):
        tell_of_rates(late - timedelta(days=1))
    titles = [row.content["title"] for row in Notice.objects.filter(channel=channel)]
    assert titles == ["Exchange rate to accept: USD"]
    for _ in range(3):
        tell_of_rates(late)
    titles = [row.content["title"] for row in Notice.objects.filter(channel=channel).order_by("pk")]
    assert titles == ["Exchange rate to accept: USD", "Exchange rates are late"]


@pytest.mark.django_db(transaction=True)
def test_the_age_of_rates_and_how_many_are_held_are_metrics(settings: Any) -> None:
    assert (readings.read().rates_age_days, readings.read().held_rates) == (None, 0)
    day = fetching.today() - timedelta(days=3)
    ExchangeRate.objects.create(from_currency="EUR", to_currency="USD", rate=Decimal(1), date=day, source="ecb")
    HeldRate.objects.create(currency="USD", date=day, published="9", reason="It jumped.")
    assert (readings.read().rates_age_days, readings.read().held_rates) == (3, 1)
    settings.EXCHANGE_RATES = "typed"
    assert readings.read().rates_age_days is None


def test_the_doctor_says_how_old_rates_are(settings: Any) -> None:
    def said(newest: date | None, error: str = "", *held: str) -> list[str]:
        return [f"{each.level.value}: {each.what}" for each in judge_exchange_rates(newest, error, held, TUESDAY)]

    assert said(MONDAY) == ["ok: Exchange rates are those of 2026-11-23."]
    assert said(date(2026, 11, 18)) == ["ok: Exchange rates are those of 2026-11-18."]
    assert said(date(2026, 11, 17))[0].startswith("warning: The latest exchange rates are those of 2026-11-17, 7 days")
    assert said(None, "x: answered 404.") == [
        "warning: No exchange rate has been fetched yet. The last try: x: answered 404."
    ]
    assert said(MONDAY, "", "USD 2.17 of 2026-11-24")[1].startswith(
        "warning: Published exchange rates wait to be accepted: USD 2.17 of 2026-11-24."
    )
    settings.EXCHANGE_RATES = "typed"
    assert said(None, "x") == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_fetches_on_a_thread_of_its_own_and_not_twice_a_day(publish: Publish) -> None:
    publish(TUESDAY, USUAL, (MONDAY, USUAL))
    fetcher.start()
    fetcher.stop()
    assert len(table()) == 4
    asked = len(publish.mock.calls)  # type: ignore[attr-defined]
    fetcher.start()
    fetcher.stop()
    assert len(publish.mock.calls) == asked  # type: ignore[attr-defined]
