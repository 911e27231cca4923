"""Postbacks over the management API: the rules and messages of a file, versions, secrets, and other programs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.audit.words import history_of
from partners.models import ActionTracker, Partner
from postbacks.config_file.load import load_config
from postbacks.credentials.secrets.headers import decrypted
from postbacks.credentials.signing.keys import keys_of
from postbacks.models import Delivery, Lane, Postback
from tests.support.api_calls import ApiCaller
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
)
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db
ALL = "/api/v1/postbacks"
NO_TIME = "2026-01-01T00:00:00+00:00"


def one(postback: Postback, then: str = "") -> str:
    return f"{ALL}/{postback.pk}{then}"


def fields(tracker: ActionTracker, owner: Partner, **more: Any) -> dict[str, Any]:
    """A postback as it is sent, with every key that it needs."""
    return {
        "partner": owner.pk,
        "name": "New",
        "action_tracker": tracker.pk,
        "url": "https://compass.example/in?id={ActionId}",
        **more,
    }


def errors(answer: Any) -> dict[str, str]:
    return {each["field"]: each["message"] for each in answer.json()["errors"]}


def change(call: ApiCaller, postback: Postback, body: Any, version: str = "*") -> Any:
    return call("PATCH", one(postback), body, **{"If-Match": version})


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


# Secrets.


@pytest.fixture
def guarded(manager: ApiCaller, tracker: ActionTracker, partner: Partner) -> Postback:
    """With a secret header for compass.example."""
    manager("POST", ALL, fields(tracker, partner, secret_headers={"X-Key": "s3cr3t", "X-Other": "t0p"}))
    return Postback.objects.get()


def secrets_of(postback: Postback) -> dict[str, str]:
    postback.refresh_from_db()
    return {name: str(value) for name, value in decrypted(postback.secret_headers)}


def test_secrets_stay_behind_the_mask_and_are_replaced_by_values(manager: ApiCaller, guarded: Postback) -> None:
    assert change(manager, guarded, {"name": "b"}).status_code == 200
    assert secrets_of(guarded) == {"X-Key": "s3cr3t", "X-Other": "t0p"}
    change(manager, guarded, {"secret_headers": {"X-Key": MASK, "X-New": "n3w"}})
    assert secrets_of(guarded) == {"X-Key": "s3cr3t", "X-New": "n3w"}
    change(manager, guarded, {"secret_headers": None})
    assert secrets_of(guarded) == {}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://compass.example/",
        "https://compass.example:444/",
        "https://compass.example@evil.example/",
    ],
)
def test_secrets_do_not_follow_the_url_to_another_receiver(manager: ApiCaller, guarded: Postback, url: str) -> None:
    answer = change(manager, guarded, {"url": url})
    assert answer.status_code == 400
    for path in ("/preview", "/test"):
        tried = manager("POST", one(guarded, path), {"postback": {"url": url}}).json()
        assert tried["request"] is None
        assert tried.get("answer") is None
        assert "secret_headers" in tried["errors"] or "url" in tried["errors"]
    assert secrets_of(guarded)["X-Key"] == "s3cr3t"


def test_no_answer_holds_a_secret(manager: ApiCaller, guarded: Postback) -> None:
    answers = [
        manager("GET", one(guarded)),
        manager("GET", ALL),
        change(manager, guarded, {"name": "b"}),
        change(manager, guarded, {"secret_headers": {"X-Key": "s3cr3t-2\1x"}}),
        change(manager, guarded, {"secret_headers": {"X-Key": f"s3cr3t{MASK}"}}),
        manager("POST", one(guarded, "/preview"), {}),
        manager("POST", one(guarded, "/pause")),
    ]
    assert [each.status_code for each in answers] == [200, 200, 200, 400, 400, 200, 200]
    assert not any(secret in each.content.decode() for each in answers for secret in ("s3cr3t", "t0p", "n3w"))
    assert all(secret not in str(entry) for entry in history_of(guarded) for secret in ("s3cr3t", "t0p"))


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


def test_a_signing_key_is_shown_once(manager: ApiCaller, postback: Postback) -> None:
    path = one(postback, "/signing-key")
    first = manager("POST", path)
    assert (first.status_code, first.json()["previous_until"]) == (200, None)
    second = manager("POST", path, {"overlap_hours": 1}).json()
    postback.refresh_from_db()
    new, old = keys_of(postback)
    assert (str(new.text), str(old.text)) == (second["key"], first.json()["key"])
    assert second["previous_until"] is not None
    assert first.json()["key"] not in manager("GET", one(postback)).content.decode()
    for wrong in (169, -1, True, "1", None):
        answer = manager("POST", path, {"overlap_hours": wrong})
        assert (answer.status_code, list(errors(answer))) == (400, ["overlap_hours"]), wrong
    assert change(manager, postback, {"signed": None}).json()["signed"] is False
    change(manager, postback, {"headers": "webhook-id: 1"})
    assert "Take it out" in manager("POST", path).json()["Message"]


# Other programs.


def test_a_bound_token_neither_sees_nor_uses_another_programs_rows(tracker: ActionTracker, partner: Partner) -> None:
    other = make_tracker(make_program(name="Elsewhere"), name="Hidden sale")
    make_term(other, partner)  # The same partner, with a contract in both.
    hidden = make_postback(other, partner, name="Hidden")
    own = make_postback(tracker, partner, name="Own")
    call = ApiCaller(tracker.program, scopes=["read", "manage"])
    assert [each["id"] for each in call("GET", ALL).json()["postbacks"]] == [own.pk]
    for filters in ({"program": other.program_id}, {"action_tracker": other.pk}, {"name": "Hidden"}):
        assert call.get(ALL, **filters).json()["postbacks"] == []
    for body in (fields(other, partner), fields(tracker, partner, action_tracker=999_999)):
        answer = call("POST", ALL, body)
        assert errors(answer) == {"action_tracker": f"action_tracker: There is no event type {body['action_tracker']}."}
    moved = change(call, own, {"action_tracker": other.pk})
    assert errors(moved) == {"action_tracker": f"action_tracker: There is no event type {other.pk}."}
    assert Postback.objects.get(pk=hidden.pk).name == "Hidden"


def test_a_message_names_no_event_type_of_another_program(tracker: ActionTracker, partner: Partner) -> None:
    make_term(make_tracker(make_program(name="Elsewhere"), name="Hidden sale"), partner)
    missing = make_tracker(tracker.program, name="Without a term")
    answer = ApiCaller(tracker.program, scopes=["manage"])("POST", ALL, fields(missing, partner))
    assert answer.status_code == 400
    assert "Its contracts hold Online Sale" in answer.json()["Message"]
    assert "Hidden" not in answer.content.decode()


def test_a_taken_name_of_another_programs_postback_is_not_named(tracker: ActionTracker, partner: Partner) -> None:
    other = make_tracker(make_program())
    make_term(other, partner)
    hidden = make_postback(other, partner, name="Shared", url="https://hidden.example/")
    answer = ApiCaller(tracker.program, scopes=["manage"])("POST", ALL, fields(tracker, partner, name="Shared"))
    assert answer.status_code == 400
    assert "postback of this name" in answer.json()["Message"]
    assert not {str(hidden.pk), "hidden.example"} & set(answer.json()["Message"].split())


def test_a_partner_without_a_contract_of_the_program_does_not_exist(tracker: ActionTracker) -> None:
    stranger = make_partner()
    call = ApiCaller(tracker.program, scopes=["manage"])
    answers = [
        errors(call("POST", ALL, {**fields(tracker, stranger), "partner": key})) for key in (stranger.pk, 999_999)
    ]
    assert answers == [{"partner": f"partner: There is no partner {key}."} for key in (stranger.pk, 999_999)]
