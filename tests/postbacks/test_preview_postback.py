"""`manage.py preview_postback`: prints the request that would go out, and sends nothing."""

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from environment.variables import BASE_DIR
from postbacks import __version__
from tests.support import programs
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_term,
    make_tracker,
    record_action,
    record_change,
)

URL = "https://partner.example/in"


def preview(*arguments: str) -> tuple[str, str]:
    """What the command prints on standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command("preview_postback", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        preview(*arguments)
    return str(caught.value)


@pytest.fixture
def event_file(tmp_path: Path) -> str:
    return write(
        tmp_path,
        {
            "ActionId": "1000.2001.1",
            "SharedId": "dc|banner&7",
            "CustomerCity": "São Paulo",
            "Payout": 33.9,
            "Numeric1": 1.10,
            "PromoCode": None,
            "CampaignId": 1000,
            "items": [{"sku": "A 1/2", "qty": 3, "amt": 5}, {"name": 'Deck "Pro" 42'}],
        },
    )


def write(folder: Path, content: Any) -> str:
    path = folder / "event.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def test_a_get_request_is_printed_from_an_event_file(event_file: str) -> None:
    out, err = preview(
        "--url",
        URL + "?s={SharedId}&c={CustomerCity}&p={Payout}&n={Numeric1}&x={PromoCode}{join(items, i, '&s{i}={i.sku}')}",
        "--header",
        "X-Delivery: {DeliveryId}/{Attempt}/{ActionEvent}",
        "--header",
        "X-Campaign: {CampaignId}",
        "--event",
        event_file,
    )
    assert out == (
        "GET https://partner.example/in?s=dc%7Cbanner%267&c=S%C3%A3o%20Paulo&p=33.90&n=1.1&x=&s1=A%201%2F2&s2=\n"
        f"User-Agent: PartnerPostbacks/{__version__}\n"
        "X-Delivery: 5e3f9c0a-71d2-4b8e-93ac-0f6d2b7a4c11/1/created\n"
        "X-Campaign: 1000\n"
    )
    assert err == ""


def test_json_output_has_exactly_four_fields(event_file: str) -> None:
    arguments = ("--url", URL, "--body-format", "json", "--pair", "id={ActionId}", "--pair", "eq=a={Payout}")
    out, _err = preview(*arguments, "--event", event_file, "--json")
    assert json.loads(out) == {
        "method": "POST",
        "url": URL,
        "headers": {
            "User-Agent": f"PartnerPostbacks/{__version__}",
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": "35",
        },
        "body": '{"id":"1000.2001.1","eq":"a=33.90"}',
    }
    out, _err = preview("--url", URL, "--json")
    assert json.loads(out) == {
        "method": "GET",
        "url": URL,
        "headers": {"User-Agent": f"PartnerPostbacks/{__version__}"},
        "body": None,
    }


def test_a_raw_body_is_printed_after_an_empty_line(event_file: str) -> None:
    body = """{"a":{"b":{Payout}},"s":[{join(items, i, '{"n":{i},"a":{i.amt},"t":"{i.name}"}', ',')}]}"""
    out, err = preview("--url", URL, "--method", "post", "--body-format", "JSON", "--body", body, "--event", event_file)
    head, _, printed = out.partition("\n\n")
    assert head.splitlines()[0] == f"POST {URL}"
    assert json.loads(printed) == {
        "a": {"b": 33.9},
        "s": [{"n": 1, "a": 5.0, "t": ""}, {"n": 2, "a": None, "t": 'Deck "Pro" 42'}],
    }
    assert '"b":33.90' in printed
    assert err == ""


def test_without_an_event_sample_values_are_used_and_said_to_be() -> None:
    out, err = preview("--url", URL + '{join(items, i, "sku{i}={i.sku}", "&", "?")}')
    assert out.startswith(f"GET {URL}?sku1=GH23&sku2=UT66&sku3=RW87\n")
    assert err == "Using sample values; give others with --event FILE.json.\n"


def test_unknown_names_in_the_event_and_an_ill_formed_body_are_warned_about(tmp_path: Path) -> None:
    file = write(tmp_path, {"sharedId": 1, "Zzz": 2, "OrderId": "1", "items": [{"Sku": "A"}]})
    out, err = preview("--url", URL, "--body-format", "json", "--body", '{"a":{Amount}', "--event", file)
    assert out.endswith('\n{"a":null\n')
    assert err.splitlines() == [
        "Warning: sharedId is not a parameter and is ignored. Did you mean SharedId?",
        "Warning: Zzz is not a parameter and is ignored.",
        "Warning: OrderId is not a parameter and is ignored. Did you mean Oid?",
        "Warning: Sku of item 1 is not an item attribute and is ignored. Did you mean sku?",
        "Warning: The body is not valid JSON: Expecting ',' delimiter at line 1, column 10.",
    ]


def test_braces_that_open_nothing_are_warned_about() -> None:
    out, err = preview("--url", URL, "--header", "X-Order: {Oid")
    assert out.endswith("\nX-Order: {Oid\n")
    assert err.splitlines()[1:] == [
        (
            "Warning: headers, line 1: A { before Oid that opens no placeholder at column 10. "
            "A placeholder is written without spaces, and closed: {Oid}."
        )
    ]


def test_macros_of_other_systems_and_corrected_marks_are_warned_about() -> None:
    joins = "{join(items, i, 's={i.sku}', '&', '?')}{join(items, i, 'q={i.qty}', '&', '?')}"
    out, err = preview("--url", f"{URL}{joins}&c=%7BRefClickId%7D", "--header", "X-Order: [order_id]")
    assert out.splitlines()[0].endswith("/in?s=GH23&s=UT66&s=RW87&q=3&q=4&q=11&c=%7BRefClickId%7D")
    assert err.splitlines()[1:] == [
        "Warning: url: “%7BRefClickId%7D” is sent as it stands at column 108. Did you mean {RefClickId}?",
        "Warning: url: The ? of a join is written & at column 101. The query begins at column 28.",
        "Warning: headers, line 1: “[order_id]” is sent as it stands at column 10. Did you mean {Oid}?",
    ]


def test_mistakes_in_templates_are_shown_with_a_caret() -> None:
    assert refused("--url", URL + "?c={CampaingId}", "--header", "Nonsense") == (
        "The request is not valid.\n"
        "url:\n"
        "  https://partner.example/in?c={CampaingId}\n"
        "                               ^\n"
        "  Unknown parameter {CampaingId} at column 30. Did you mean {CampaignId}?\n"
        "headers, line 1: Not “Name: value”: the colon is missing."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON: Expecting property name enclosed in double quotes at line 1, column 2."),
        ("[]", "not an event: expected a JSON object of parameter names and values."),
        ('{"items": {}}', "items is not a list."),
        ('{"items": ["GH23"]}', "item 1 is not an object such as {“sku”: “GH23”}."),
        ('{"Oid": ["a"]}', "Oid is a list or an object; expected a string, a number or null."),
        ('{"Amount": 1e400}', "Amount is 1e400; write the number in plain digits, such as 460.93."),
        ('{"Amount": NaN}', "Amount is NaN; write the number in plain digits, such as 460.93."),
        ("[" * 100_000, "not an event: its JSON is nested too deeply."),
    ],
)
def test_an_event_file_that_is_none_is_refused(tmp_path: Path, content: str, message: str) -> None:
    file = write(tmp_path, content)
    assert refused("--url", URL, "--event", file) == f"{file}: {message}"


def test_an_unreadable_event_file_is_refused(tmp_path: Path) -> None:
    assert refused("--url", URL, "--event", str(tmp_path / "none.json")) == (
        f"Cannot read {tmp_path / 'none.json'}: No such file or directory."
    )
    (tmp_path / "latin.json").write_bytes('{"Oid":"é"}'.encode("latin-1"))
    assert refused("--url", URL, "--event", str(tmp_path / "latin.json")).endswith("it is not UTF-8 text.")


def test_an_event_that_makes_no_request_is_refused_with_the_reason(tmp_path: Path) -> None:
    file = write(tmp_path, {"Note": "a\nX-Evil: b"})
    assert refused("--url", URL, "--header", "X-Note: {Note}", "--event", file) == (
        "No request can be built for this event. "
        "The header X-Note cannot be written: the value holds the control character U+000A."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Nothing to preview: give --url with templates, or --postback with its number."),
        (
            ("--postback", "1", "--url", URL, "--pair", "a=1"),
            "--postback has its own request: leave out --url, --pair.",
        ),
        (
            ("--url", URL, "--action", "1.2.3"),
            "--action needs --postback; with --url, give the values of the event with --event FILE.json.",
        ),
        (
            ("--postback", "1", "--action", "1.2.3", "--event", "x"),
            "--action and --event both give the event: keep one.",
        ),
        (("--postback", "1", "--event-number", "2"), "--event-number needs --action."),
        (("--url", URL, "--pair", "novalue"), "Write --pair as KEY=TEMPLATE; “novalue” has no “=”."),
        (
            ("--url", URL, "--method", "GET", "--body-format", "json", "--body", "{}"),
            ("The request is not valid.\nbody: A GET request has no body: choose POST, or take the body away."),
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(arguments: tuple[str, ...], message: str) -> None:
    assert refused(*arguments) == message


def test_templates_need_neither_database_nor_redis(tmp_path: Path) -> None:
    environment = os.environ | {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": "of the tests, and long enough to be no invitation to guess it",
        "POSTBACKS_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "POSTBACKS_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "manage.py", "preview_postback", "--url"]
    run = programs.run(
        [*command, URL + "/{Oid}"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout.splitlines()[0]) == (0, f"GET {URL}/SS-50121")
    run = programs.run(
        [*command, URL + "/{Oyd}"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert "Error: The request is not valid.\nurl:\n" in run.stderr
    assert "Did you mean {Oid}?" in run.stderr


@pytest.mark.django_db
def test_a_configured_postback_is_shown_for_a_recorded_action() -> None:
    tracker, partner = make_tracker(hidden_parameters=["CustomerCity"]), make_partner()
    make_term(tracker, partner, payout="10%")
    postback = make_postback(
        tracker,
        partner,
        url=URL + "?a={ActionId}&e={ActionEvent}&amt={Amount}",
        method="POST",
        body_format="json",
        body_pairs=[["city", "{CustomerCity}"], ["order", "{Oid}"]],
        headers="X-Event: {ActionEvent}",
    )
    created = record_action(
        tracker,
        partner,
        OrderId="SS-1",
        CustomerCity="Lyon",
        CurrencyCode="USD",
        Items=[{"Sku": "A", "SubTotal": "20.00"}],
    )
    record_change(created, "modified", Reason="ITEM_RETURNED", Items=[{"Sku": "A", "Quantity": 1, "SubTotal": "5.00"}])
    action = created.action.action_id

    latest, err = preview("--postback", str(postback.pk), "--action", action, "--json")
    first, _err = preview("--postback", str(postback.pk), "--action", action, "--event-number", "1", "--json")

    assert err == ""
    assert json.loads(latest)["url"] == f"{URL}?a={action}&e=modified&amt=5.00"
    assert json.loads(latest)["headers"]["X-Event"] == "modified"
    assert json.loads(latest)["body"] == '{"city":"","order":"SS-1"}'
    assert json.loads(first)["url"] == f"{URL}?a={action}&e=created&amt=20.00"
    assert refused("--postback", str(postback.pk), "--action", action, "--event-number", "3") == (
        f"The event: action {action} has no event 3."
    )


@pytest.mark.django_db
def test_a_postback_or_action_that_is_not_there_is_said_to_be_missing() -> None:
    postback = str(make_postback(make_tracker(), make_partner()).pk)
    assert refused("--postback", "987654") == "There is no postback 987654."
    assert refused("--postback", postback, "--action", "1.2.3") == "The event: there is no action 1.2.3."
    assert refused("--postback", postback, "--action", "x") == (
        "The event: “x” is not an action id, which is three numbers such as 1000.2001.158133."
    )
    out, err = preview("--postback", postback)
    assert out.startswith("GET https://receiver.example/in?action=1000.2001.158133\n")
    assert err == "Using sample values; give others with --event FILE.json.\n"


@pytest.mark.django_db
def test_a_configured_postback_says_why_it_would_not_fire() -> None:
    conditions = [{"parameter": "Amount", "operator": "at least", "values": ["200"]}]
    postback = make_postback(make_tracker(), make_media_source(), conditions=conditions)
    out, err = preview("--postback", str(postback.pk))
    assert out.startswith("GET ")
    assert "Warning: Would not fire: Amount 107.23 is below 200." in err
