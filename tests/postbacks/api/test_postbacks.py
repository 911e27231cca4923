"""Postbacks over the management API: the rules and messages of a file, versions, pausing and deleting."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.audit.words import history_of
from partners.models import ActionTracker, Partner
from postbacks.config_file.load import load_config
from postbacks.credentials.secrets.headers import decrypted
from postbacks.models import Delivery, Lane, Postback
from tests.support.api_calls import ApiCaller
from tests.support.factories import (
    make_media_source,
    make_postback,
    make_tracker,
    record_action,
)
from tests.support.postback_calls import ALL, change, errors, fields, one
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db
NO_TIME = "2026-01-01T00:00:00+00:00"


# Create.


def test_a_postback_is_created_with_every_key_of_a_file(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    given = fields(
        tracker,
        partner,
        event_trigger="new",
        method="POST",
        headers="X-Shop: {CampaignId}",
        secret_headers={"Authorization": "Bearer s3cr3t"},
        signed=True,
        body_format="json",
        body={"id": "{ActionId}", "again": "{ActionId}"},
        minimum_delay="1h 30m",
        maximum_requests=5,
        success_response="/OK/",
        error_response="/no/",
    )
    answer = manager("POST", ALL, given)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert {name: told[name] for name in given} == given | {"secret_headers": {"Authorization": MASK}}
    assert (told["scope"], told["install"], told["in_app_event"], told["body_raw"]) == ("all", False, None, "")
    assert (told["program"], told["media_source"], told["state"]) == (tracker.program_id, None, "active")
    assert any("signing_key" in warning for warning in told["warnings"])
    assert answer.headers["ETag"] == f'"{told["version"]}"'
    postback = Postback.objects.get()
    assert [(name, str(value)) for name, value in decrypted(postback.secret_headers)] == [
        ("Authorization", "Bearer s3cr3t")
    ]
    assert (postback.minimum_delay_seconds, postback.signed) == (5400, True)
    read = manager("GET", one(postback)).json()
    assert read == told | {"warnings": []}
    assert "s3cr3t" not in answer.content.decode()


def test_a_network_may_own_one(manager: ApiCaller, tracker: ActionTracker) -> None:
    network = make_media_source()
    body = {"media_source": network.pk, "name": "n", "action_tracker": tracker.pk, "url": "https://n.example/"}
    told = manager("POST", ALL, {**body, "scope": "involved"}).json()
    assert (told["media_source"], told["partner"], told["scope"]) == (network.pk, None, "involved")
    assert Postback.objects.get().media_source == network


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ({"urll": "https://x.example/"}, "urll", "Unknown key. Did you mean url?"),
        ({"state": "paused"}, "state", "Unknown key."),
        ({"url": "https://x.example/{Nonsense}"}, "url", "Nonsense"),
        ({"url": None}, "", "url is missing. Every postback needs it."),
        ({"action_tracker": 999_999}, "action_tracker", "There is no event type 999999."),
        ({"action_tracker": "web"}, "action_tracker", "is not a whole number"),
        ({"method": "PUT"}, "method", "Choose from GET, POST."),
        ({"method": "POST"}, "body_format", ""),
        ({"body": {"id": "x"}}, "body", "A GET request has no body"),
        ({"install": True}, "install", "Only a mobile app has installs"),
        ({"in_app_event": "SIGN-UP"}, "in_app_event", "It has none."),
        ({"install": "yes"}, "install", "This must be true or false."),
        ({"minimum_delay": "soon"}, "minimum_delay", "is not a duration"),
        ({"maximum_requests": 0}, "maximum_requests", "greater than or equal to 1"),
        ({"secret_headers": {"X-Key": MASK}}, "secret_headers", "No value of X-Key is kept. Type it."),
        ({"secret_headers": {"X-Key": ""}}, "secret_headers", "The value of X-Key is missing."),
        ({"name": "a\0b"}, "name", "cannot be stored"),
        ({"name": ["a"]}, "name", "single value"),
        ({"name": "\ud800"}, "", "half of a character"),
        ({"\udfff": "x"}, "", "half of a character"),
        ({"success_response": "/(/"}, "success_response", "Line 1"),
        ({"partner": 999_999}, "partner", "There is no partner 999999."),
        ({"partner": "Compass"}, "partner", "There is no partner Compass."),
        ({"partner": True}, "partner", "There is no partner True."),
        ({"partner": [1]}, "partner", "There is no partner [1]."),
        ({"partner": None}, "partner", "Give the owner"),
        ({"media_source": 1}, "partner", "either partner or media_source"),
        ({"scope": "involved"}, "", "Only a network's postback"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_what_a_file_may_not_say_is_refused_in_the_same_words(
    manager: ApiCaller, partner: Partner, wrong: dict[str, Any], field: str, message: str
) -> None:
    answer = manager("POST", ALL, fields(ActionTracker.objects.get(), partner, **wrong))
    assert answer.status_code == 400, answer.content
    found = errors(answer)
    assert any(message in text for name, text in found.items() if name == field), found
    assert not Postback.objects.exists()


def test_all_problems_are_told_at_once(manager: ApiCaller, tracker: ActionTracker, partner: Partner) -> None:
    body = fields(tracker, partner, url="nonsense", maximum_requests="many", error_response="/(/")
    assert set(errors(manager("POST", ALL, body))) == {"url", "maximum_requests", "error_response"}


@pytest.mark.parametrize("code", ["", "RETURNED"], ids=["empty", "unknown"])
def test_an_in_app_event_that_is_none_is_refused(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner, code: str
) -> None:
    answer = manager("POST", ALL, fields(tracker, partner, in_app_event=code))
    assert (answer.status_code, list(errors(answer))) == (400, ["in_app_event"])


@pytest.mark.parametrize(
    ("body", "form", "status"),
    [
        ("{", "application/json", 400),
        ("[]", "application/json", 400),
        ('{"name": "a", "name": "b"}', "application/json", 400),
        ('{"name": NaN}', "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ("name=a", "application/x-www-form-urlencoded", 415),
        ('{"name": "' + "x" * 1024 * 1024 + '"}', "application/json", 413),
    ],
    ids=["broken", "list", "twice", "nan", "deep", "form", "large"],
)
def test_a_body_that_is_no_json_object_is_refused(manager: ApiCaller, body: str, form: str, status: int) -> None:
    answer = manager("POST", ALL, body, form=form)
    assert answer.status_code == status
    assert answer.json()["Status"] == "ERROR"


def test_creating_the_same_again_answers_the_first(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    body = fields(tracker, partner, secret_headers={"X-Key": "k1"}, maximum_requests=3)
    first = manager("POST", ALL, body)
    again = manager("POST", ALL, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"warnings": []}
    for other in (
        {**body, "maximum_requests": 4},
        {**body, "secret_headers": {"X-Key": "k2"}},
        fields(tracker, partner),
    ):
        answer = manager("POST", ALL, other)
        assert answer.status_code == 409
        assert str(first.json()["id"]) in answer.json()["Message"]
    assert Postback.objects.count() == 1
    assert manager("GET", one(Postback.objects.get())).json() == again.json()


def test_what_the_api_creates_a_file_may_say_too(manager: ApiCaller, tracker: ActionTracker, partner: Partner) -> None:
    body = fields(tracker, partner, method="POST", body_format="querystring", body=[{"a": "1"}, {"a": "2"}])
    assert manager("POST", ALL, body).status_code == 201

    owner = body.pop("partner")
    partner_entry = {"id": owner, "name": partner.name, "currency": "USD", "postbacks": [body]}
    outcome = load_config(json.dumps({"partners": [partner_entry]}))
    assert outcome.changes == []


# Read.


def test_postbacks_are_listed_by_pages_and_filters(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    made = [make_postback(tracker, partner) for _ in range(5)]
    seen: list[int] = []
    path: str | None = f"{ALL}?limit=2"
    while path:
        page = manager("GET", path).json()
        seen += [each["id"] for each in page["postbacks"]]
        path = page["next"]
    assert seen == [each.pk for each in made]
    network, app = make_media_source(), make_tracker()
    paused, held = make_postback(tracker, network, paused_at=NO_TIME), make_postback(app, network)
    Lane.objects.create(postback=held, held_since=NO_TIME, probe_at=NO_TIME)
    make_postback(tracker, partner, deleted_at=NO_TIME)
    for query, expected in (
        ({"media_source": network.pk}, [paused, held]),
        ({"action_tracker": app.pk}, [held]),
        ({"program": app.program_id}, [held]),
        ({"state": "paused"}, [paused]),
        ({"state": "held"}, [held]),
        ({"state": "active", "partner": partner.pk}, made),
        ({"name": held.name}, [held]),
        ({"partner": 999_999}, []),
    ):
        found = manager.get(ALL, **query).json()["postbacks"]
        assert [each["id"] for each in found] == [each.pk for each in expected], query


@pytest.mark.parametrize("path", ["postbacks", "deliveries", "partners", "contracts"])
@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "limit=0", "limit=1001", "limit=1&limit=2", "stat=x"],
    ids=["unknown", "0", "1001", "twice", "near"],
)
def test_a_filter_without_meaning_is_an_error(manager: ApiCaller, path: str, query: str) -> None:
    answer = manager("GET", f"/api/v1/{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


# Change.


def test_a_change_keeps_what_is_not_given_and_null_is_the_default(manager: ApiCaller, postback: Postback) -> None:
    before = manager("GET", one(postback))
    change(manager, postback, {"maximum_requests": 7, "minimum_delay": 90}, before.headers["ETag"])
    told = change(manager, postback, {"minimum_delay": None, "url": "https://compass.example/v2"}).json()
    expected = before.json() | {"maximum_requests": 7, "url": "https://compass.example/v2"}
    changing = ("version", "updated_at")
    assert {key: each for key, each in told.items() if key not in changing} == {
        key: each for key, each in expected.items() if key not in changing
    }


def test_a_change_needs_the_version_that_was_read(manager: ApiCaller, postback: Postback) -> None:
    read = manager("GET", one(postback)).headers["ETag"]
    missing = manager("PATCH", one(postback), {"name": "a"})
    assert (missing.status_code, list(errors(missing))) == (428, ["If-Match"])
    first = change(manager, postback, {"name": "a"}, read)
    stale = change(manager, postback, {"name": "b"}, read)
    assert (first.status_code, stale.status_code) == (200, 412)
    assert Postback.objects.get().name == "a"
    assert change(manager, postback, {"name": "c"}, first.headers["ETag"]).status_code == 200
    assert (
        change(
            manager, postback, {"name": "d"}, f'"zzz", W/{manager("GET", one(postback)).headers["ETag"]}'
        ).status_code
        == 200
    )
    assert manager("DELETE", one(postback), **{"If-Match": read}).status_code == 412
    assert Postback.objects.existing().exists()


def test_whoever_else_changes_it_makes_another_version(manager: ApiCaller, postback: Postback) -> None:
    for pause_or_save in (
        lambda: manager("POST", one(postback, "/pause")),
        lambda: Postback.objects.get().save(),
        lambda: Postback.objects.update(name="elsewhere"),
    ):
        read = manager("GET", one(postback)).headers["ETag"]
        pause_or_save()
        assert change(manager, postback, {"name": "mine"}, read).status_code == 412


def test_what_was_read_may_be_sent_back(manager: ApiCaller, postback: Postback) -> None:
    read = manager("GET", one(postback))
    answer = change(manager, postback, read.json() | {"name": "Renamed"}, read.headers["ETag"])
    assert answer.status_code == 200, answer.content
    assert answer.json()["name"] == "Renamed"


@pytest.mark.parametrize("name", ["id", "partner", "state", "program", "created_at", "version", "nonsense"])
def test_what_cannot_be_changed_is_refused(manager: ApiCaller, postback: Postback, name: str) -> None:
    answer = change(manager, postback, {name: "other"})
    assert (answer.status_code, list(errors(answer))) == (400, [name])


def test_a_name_of_another_postback_is_refused(
    manager: ApiCaller, postback: Postback, tracker: ActionTracker, partner: Partner
) -> None:
    other = make_postback(tracker, partner, name="Taken")
    answer = change(manager, postback, {"name": other.name})
    assert answer.status_code == 400
    assert "postback of this name" in answer.json()["Message"]


# Pause, resume, delete.


def test_a_postback_is_paused_and_resumed(manager: ApiCaller, postback: Postback) -> None:
    for path, state in (("/pause", "paused"), ("/pause", "paused"), ("/resume", "active"), ("/resume", "active")):
        answer = manager("POST", one(postback, path))
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    by = {entry.what: entry.by for entry in history_of(postback)}
    assert by["Paused"] == by["Resumed"] == f"API token caller ({manager.token.pk})"


def test_a_postback_is_deleted_and_what_waits_is_cancelled(
    manager: ApiCaller, postback: Postback, tracker: ActionTracker, partner: Partner
) -> None:
    record_action(tracker, partner)
    assert manager("DELETE", one(postback)).json() == {"cancelled": 1}
    assert Delivery.objects.get().state == Delivery.State.CANCELLED
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/test")):
        assert manager(method, one(postback, path)).status_code == 404
    assert manager("GET", ALL).json()["postbacks"] == []


def test_the_history_names_the_token(manager: ApiCaller, tracker: ActionTracker, partner: Partner) -> None:
    manager("POST", ALL, fields(tracker, partner))
    change(manager, Postback.objects.get(), {"maximum_requests": 9})
    entries = history_of(Postback.objects.get())
    assert [(entry.what, entry.by) for entry in entries] == [
        ("Changed", f"API token caller ({manager.token.pk})"),
        ("Added", f"API token caller ({manager.token.pk})"),
    ]


# Conditions.


def test_conditions_are_created_read_and_changed(manager: ApiCaller, tracker: ActionTracker, partner: Partner) -> None:
    conditions: list[dict[str, Any]] = [
        {"parameter": "Amount", "operator": "at least", "value": "50"},
        {"parameter": "items.cat", "operator": "one of", "values": ["Tents", "Stoves"], "items": "every"},
        {"parameter": "Note", "operator": "is empty"},
    ]
    told = manager("POST", ALL, fields(tracker, partner, conditions=conditions, conditions_match="any")).json()
    assert (told["conditions"], told["conditions_match"]) == (conditions, "any")
    postback = Postback.objects.get()
    changed = change(manager, postback, {"conditions": [{**conditions[0], "value": 60.5}]})
    assert changed.json()["conditions"] == [{"parameter": "Amount", "operator": "at least", "value": "60.5"}]
    assert change(manager, postback, {"conditions": None}).json()["conditions"] == []


def test_what_is_wrong_with_conditions_and_rules_is_told_by_key(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    wrong = [{"parameter": "Amount", "operator": "at least", "value": "fifty"}]
    answer = manager("POST", ALL, fields(tracker, partner, conditions=wrong, success_response="20O"))
    told = errors(answer)
    assert "“fifty” is not a number" in str(told)
    assert "It has the letter O: write 200." in str(told)


def test_a_preview_tells_whether_it_would_fire(manager: ApiCaller, tracker: ActionTracker, partner: Partner) -> None:
    conditions = [{"parameter": "Amount", "operator": "at least", "value": 200}]
    given = fields(tracker, partner, conditions=conditions)
    given.pop("name")
    told = manager("POST", f"{ALL}/preview", {"postback": given}).json()
    assert told["not_fired"] == "Would not fire: Amount 107.23 is below 200."
    assert told["words"]["conditions"] == "Fires if Amount is at least 200."
    assert told["request"] is not None
