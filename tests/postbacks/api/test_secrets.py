"""Secret headers and signing keys over the management API: written, never read."""

from __future__ import annotations

import pytest

from accounts.audit.words import history_of
from partners.models import ActionTracker, Partner
from postbacks.credentials.secrets.headers import decrypted
from postbacks.credentials.signing.keys import keys_of
from postbacks.models import Postback
from tests.support.api_calls import ApiCaller
from tests.support.postback_calls import ALL, change, errors, fields, one
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db


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
