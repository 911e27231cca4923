"""Reported without a partner: rules find whose the action is, by click id, promo code, customer and the like."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actions.recording.attribution import REFERRING_TYPES
from actions.recording.record import record
from actions.reports.known_names import ATTRIBUTION_FIELDS
from actions.reports.report import parse_report
from partners.models import ActionTracker, AttributionRule, Partner
from tests.support.factories import (
    make_partner,
    make_program,
    make_report,
    make_term,
    make_tracker,
    record_action,
    report_fields,
)

pytestmark = pytest.mark.django_db

Key = AttributionRule.Key


def rule(key: str, value: str, partner: Partner, **fields: Any) -> AttributionRule:
    return AttributionRule.objects.create(key=key, value=value, partner=partner, **fields)


def test_a_promo_code_finds_the_partner_which_is_paid(tracker: ActionTracker) -> None:
    partner = make_partner()
    make_term(tracker, partner, "8%")
    rule(Key.PROMO_CODE, " Harbor10 ", partner)
    event = record_action(tracker, Amount="100", OrderPromoCode="harbor10")
    assert event.action.partner == partner
    values = {name: event.parameters[name] for name in ("Payout", "MediaPartnerId", "ReferringType", "PromoCode")}
    assert values == {
        "Payout": "8.00",
        "MediaPartnerId": str(partner.pk),
        "ReferringType": "PROMOCODE",
        "PromoCode": "harbor10",
    }


@pytest.mark.parametrize(("key", "referring_type"), list(REFERRING_TYPES.items()))
def test_every_key_is_known_and_says_how_the_partner_was_found(
    tracker: ActionTracker, key: str, referring_type: str
) -> None:
    partner = make_partner()
    rule(key, "V-1", partner)
    report = make_report(tracker, None, **{ATTRIBUTION_FIELDS[key]: "V-1"})
    assert report.warnings == (), "it is a field that is known"
    event = record([report])[0].event  # type: ignore[union-attr]
    assert (event.action.partner, event.parameters["ReferringType"]) == (partner, referring_type)


def test_all_keys_have_a_field_and_a_type() -> None:
    assert list(ATTRIBUTION_FIELDS) == list(REFERRING_TYPES) == Key.values


def test_the_reported_partner_comes_first_then_the_keys_in_their_order(tracker: ActionTracker) -> None:
    reported, by_click, by_code = make_partner(), make_partner(), make_partner()
    rule(Key.CLICK_ID, "Click-1", by_click)
    rule(Key.PROMO_CODE, "CODE", by_code)
    both: dict[str, Any] = {"ClickId": "Click-1", "PromoCode": "code"}
    event = record_action(tracker, reported, **both)
    assert (event.action.partner, event.parameters["ReferringType"]) == (reported, "REPORTED_PARTNER_ID")
    event = record_action(tracker, **both)
    assert (event.action.partner, event.parameters["ReferringType"]) == (by_click, "CLICK_COOKIE")
    event = record_action(tracker, **{**both, "ClickId": "click-1"})
    assert (event.action.partner, event.parameters["ReferringType"]) == (by_code, "PROMOCODE"), "a click id is exact"
    event = record_action(tracker, **both, ReferringType="IMPRESSION_COOKIE")
    assert (event.action.partner, event.parameters["ReferringType"]) == (by_click, "IMPRESSION_COOKIE")


def test_nobody_is_found(tracker: ActionTracker) -> None:
    rule(Key.PROMO_CODE, "CODE", make_partner())
    event = record_action(tracker, PromoCode="OTHER", CustomerId="C")
    assert (event.action.partner, event.action.no_payout_reason) == (None, "NO_VALID_ACTION_REF")
    assert "ReferringType" not in event.parameters
    event = record_action(tracker, MediaPartnerId=999_999, PromoCode="CODE")
    assert (event.action.partner, event.action.no_payout_reason) == (None, "PARTNER_NOT_FOUND"), "no guess"


@pytest.mark.parametrize(
    ("day", "whose"), [("2026-11-09", "usual"), ("2026-11-10", "new"), ("2026-11-20", "new"), ("2026-11-21", "usual")]
)
def test_a_rule_holds_on_its_days_and_the_one_that_began_last_comes_first(
    tracker: ActionTracker, day: str, whose: str
) -> None:
    partners = {name: make_partner() for name in ("usual", "new")}
    rule(Key.PROMO_CODE, "CODE", partners["new"], start=date(2026, 11, 10), end=date(2026, 11, 20))
    rule(Key.PROMO_CODE, "CODE", partners["usual"])
    assert record_action(tracker, PromoCode="code", EventDate=day).action.partner == partners[whose]


def test_a_rule_for_one_program_comes_before_one_for_all(tracker: ActionTracker) -> None:
    here, elsewhere, everywhere = make_partner(), make_partner(), make_partner()
    rule(Key.PROMO_CODE, "CODE", everywhere, start=date(2026, 11, 1))
    rule(Key.PROMO_CODE, "CODE", here, program=tracker.program)
    rule(Key.PROMO_CODE, "CODE", elsewhere, program=make_program())
    assert record_action(tracker, PromoCode="code").action.partner == here
    assert record_action(make_tracker(), PromoCode="code").action.partner == everywhere


def test_what_is_recorded_stays_as_it_is(tracker: ActionTracker) -> None:
    event = record_action(tracker, PromoCode="CODE")
    rule(Key.PROMO_CODE, "CODE", make_partner())
    change = {"Event": "modified", "ActionId": event.action.action_id, "Note": "new"}
    record([parse_report(change), make_report(tracker, OrderId=event.action.order_id, PromoCode="CODE")])
    event.action.refresh_from_db()
    assert event.action.partner is None


def test_the_rules_of_many_reports_are_one_query_and_none_without_keys(tracker: ActionTracker) -> None:
    partners = [make_partner() for _ in range(3)]
    for number, partner in enumerate(partners):
        rule(Key.CLICK_ID, f"c-{number}", partner)
    reports = [make_report(tracker, ClickId=f"c-{number % 4}") for number in range(40)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        outcomes = record(reports)
    assert sum("attributionrule" in query["sql"] for query in queries) == 1
    found = [outcome.event.action.partner for outcome in outcomes]  # type: ignore[union-attr]
    assert found == [*partners, None] * 10
    with CaptureQueriesContext(connection) as queries:
        record([make_report(tracker), make_report(tracker, partners[0], ClickId="c-1")])
    assert not any("attributionrule" in query["sql"] for query in queries)


def test_a_rule_stands_once_and_ends_after_it_starts() -> None:
    partner = make_partner()
    rule(Key.PROMO_CODE, "CODE", partner)
    with pytest.raises(ValidationError, match="There is a rule for this value, program and first day already"):
        AttributionRule(key=Key.PROMO_CODE, value="code", partner=partner).full_clean()
    with pytest.raises(ValidationError, match="A rule cannot end before it starts"):
        AttributionRule(
            key=Key.CLICK_ID, value="c", partner=partner, start=date(2026, 2, 1), end=date(2026, 1, 1)
        ).full_clean()
    with pytest.raises(ValidationError, match="The value is blank"):
        AttributionRule(key=Key.CLICK_ID, value=" \t", partner=partner).full_clean()


def run(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    out = io.StringIO()
    call_command("import_attribution_rules", str(path), stdout=out)
    return out.getvalue()


def test_rules_come_from_a_file_and_replace_those_that_are_known(tmp_path: Path, tracker: ActionTracker) -> None:
    one, two = make_partner(), make_partner()
    path = tmp_path / "rules.csv"
    text = (
        "\ufeffkey,value,partner,program,start,end\r\n"
        f"promo_code,harbor10,{one.pk},,,\r\n"
        "\r\n"
        f'click_id,"a,b",{one.pk},{tracker.program_id},2026-11-01,2026-11-30\r\n'
        f"promo_code,HARBOR10,{two.pk},,,\r\n"
    )
    assert run(path, text) == "3 rules taken.\n"
    assert run(path, text) == "3 rules taken.\n"
    rows = list(AttributionRule.objects.order_by("key").values_list("key", "value", "partner", "program", "start"))
    assert rows == [
        ("click_id", "a,b", one.pk, tracker.program_id, date(2026, 11, 1)),
        ("promo_code", "HARBOR10", two.pk, None, None),
    ]
    assert run(path, f"value,partner,key\nharbor10,{one.pk},promo_code\n") == "1 rules taken.\n"
    assert AttributionRule.objects.get(key="promo_code").partner == one


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("promo_code,X,999999,,,", "Line 3: partner: there is no partner '999999'; its id is expected."),
        ("promo_code,X,{partner},999999,,", "Line 3: program: there is no program '999999'; its id is expected"),
        (
            "promo,X,{partner},,,",
            "Line 3: key: Value 'promo' is not a valid choice. Keys are click_id, custom_click_id",
        ),
        ("promo_code,,{partner},,,", "Line 3: value: This field cannot be blank."),
        ("promo_code,X,{partner},,soon,", "Line 3: start: 'soon' is no day; expected is one such as 2026-11-20."),
        ("promo_code,X,{partner},,2026-02-01,2026-01-01", "Line 3: end: a rule cannot end before it starts."),
        ("promo_code,X", "Line 3: 2 cells; 6 are expected."),
        ('promo_code,"X"Y,{partner},,,', "Line 3: not CSV: ',' expected after '\"'."),
    ],
)
def test_a_mistake_is_told_with_its_line_and_nothing_is_taken(tmp_path: Path, row: str, message: str) -> None:
    partner = make_partner()
    path = tmp_path / "rules.csv"
    with pytest.raises(CommandError) as error:
        run(
            path, f"key,value,partner,program,start,end\nclick_id,C,{partner.pk},,,\n{row.format(partner=partner.pk)}\n"
        )
    assert message in str(error.value)
    assert str(error.value).endswith("Nothing was changed.")
    assert not AttributionRule.objects.exists()


@pytest.mark.parametrize("header", ["", "key,value", "key,value,partner,who", "key,key,value,partner"])
def test_a_file_without_its_columns_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(CommandError, match="Line 1: the columns must be key, value, partner"):
        run(tmp_path / "rules.csv", header + "\n")


def test_the_fields_are_kept_with_the_action(tracker: ActionTracker) -> None:
    fields = report_fields(tracker, CustomerId="C-1", UniqueUrl="https://harbor.example/?" + "x" * 500)
    report = parse_report(fields)
    assert report.warnings == ()
    assert record_action(tracker, CustomerId="C-1").action.reported["CustomerId"] == "C-1"
