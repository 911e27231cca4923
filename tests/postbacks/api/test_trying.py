"""Preview and test over the management API: what would be sent, and sending it once."""

from __future__ import annotations

from typing import Any

import pytest

from partners.models import ActionTracker, Partner
from postbacks.models import Attempt, Delivery, Postback
from tests.support.api_calls import ApiCaller
from tests.support.factories import make_partner, make_program, make_term, make_tracker, record_action
from tests.support.receiver import Response, ScriptedReceiver
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db
ALL = "/api/v1/postbacks"
TOWN = "Ulm-71"


@pytest.fixture
def knowing(db: None) -> ApiCaller:
    """A token that sees personal data too."""
    return ApiCaller(scopes=["read", "personal", "manage"])


def new(tracker: ActionTracker, partner: Partner, url: str, **more: Any) -> dict[str, Any]:
    return {"partner": partner.pk, "action_tracker": tracker.pk, "url": url, **more}


def test_a_preview_builds_the_request_from_samples_and_stores_nothing(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    url = "https://compass.example/in?id={ActionId}"
    body = {"postback": new(tracker, partner, url, secret_headers={"X-Key": "s3cr3t"})}
    answer = manager("POST", f"{ALL}/preview", body)
    told = answer.json()
    assert (told["event"], told["errors"]) == ("Sample values", {})
    assert told["request"]["url"].startswith("https://compass.example/in?id=1000.2001.")
    assert told["request"]["headers"]["X-Key"] == MASK
    assert "s3cr3t" not in answer.content.decode()
    assert not Postback.objects.exists()


def test_a_preview_of_a_stored_one_shows_the_change_without_storing_it(manager: ApiCaller, postback: Postback) -> None:
    path = f"{ALL}/{postback.pk}/preview"
    plain = manager("POST", path).json()
    changed = manager("POST", path, {"postback": {"url": "https://compass.example/v2", "method": "GET"}}).json()
    assert plain["request"]["url"].startswith("https://compass.example/in?id=")
    assert changed["request"]["url"] == "https://compass.example/v2"
    postback.refresh_from_db()
    assert postback.url == "https://compass.example/in?id={ActionId}"


def test_a_preview_tells_what_is_wrong_by_key(manager: ApiCaller, postback: Postback) -> None:
    told = manager("POST", f"{ALL}/{postback.pk}/preview", {"postback": {"url": "https://x.example/{Nonsense}"}}).json()
    assert told["request"] is None
    assert "Nonsense" in told["errors"]["url"][0]


@pytest.mark.parametrize(
    "body", [{"nonsense": 1}, {"postback": 1}, {"action_id": 5}, {"postback": {"nonsense": 1}}], ids=str
)
def test_a_trial_without_meaning_is_refused(manager: ApiCaller, postback: Postback, body: Any) -> None:
    assert manager("POST", f"{ALL}/{postback.pk}/preview", body).status_code == 400


def test_values_of_an_action_need_the_scope_for_personal_data(
    manager: ApiCaller, knowing: ApiCaller, tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    event = record_action(tracker, partner, CustomerCity=TOWN)
    path = f"{ALL}/{postback.pk}/preview"
    body = {"action_id": event.action.action_id, "postback": {"url": "https://compass.example/?c={CustomerCity}"}}
    refused = manager("POST", path, body)
    assert refused.status_code == 403
    assert "“personal”" in refused.json()["Message"]
    told = knowing("POST", path, body).json()
    assert told["request"]["url"] == f"https://compass.example/?c={TOWN}"
    assert told["event"] == f"Action {event.action.action_id}"


def test_an_action_of_another_program_answers_like_one_that_does_not_exist(
    tracker: ActionTracker, partner: Partner, postback: Postback
) -> None:
    other = make_tracker(make_program())
    make_term(other, partner)
    hidden = record_action(other, partner, CustomerCity=TOWN).action.action_id
    call = ApiCaller(tracker.program, scopes=["read", "personal", "manage"])
    for action_id in (hidden, f"{other.program_id}.{other.pk}.99999999", f"{tracker.program_id}.{tracker.pk}.99999999"):
        told = call("POST", f"{ALL}/{postback.pk}/preview", {"action_id": action_id}).json()
        assert told["errors"] == {"action_id": [f"There is no action {action_id}."]}
        assert told["request"] is None


def test_an_action_of_another_partner_is_not_used(
    knowing: ApiCaller, tracker: ActionTracker, postback: Postback
) -> None:
    stranger = make_partner()
    make_term(tracker, stranger)
    action = record_action(tracker, stranger).action.action_id
    told = knowing("POST", f"{ALL}/{postback.pk}/preview", {"action_id": action}).json()
    assert "credited to another partner" in told["errors"]["action_id"][0]


@pytest.mark.usefixtures("loopback_is_allowed")
def test_a_test_is_sent_once_judged_and_not_recorded(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    with ScriptedReceiver(lambda _arrival: Response(200, body=b"fine s3cr3t-of-compass")) as receiver:
        made = manager(
            "POST",
            ALL,
            new(tracker, partner, receiver.url, name="n", secret_headers={"X-Key": "s3cr3t-of-compass"}),
        ).json()
        told = manager("POST", f"{ALL}/{made['id']}/test", {"postback": {"success_response": "/great/"}}).json()
        (arrival,) = receiver.wait_for(1)
        assert arrival.headers["X-Key"] == "s3cr3t-of-compass"
    assert told["answer"]["status"] == 200
    assert told["answer"]["success"] is False
    assert told["answer"]["body"] == f"fine {MASK}"
    assert "s3cr3t" not in str(told)
    assert not Delivery.objects.exists()
    assert not Attempt.objects.exists()


@pytest.mark.usefixtures("loopback_is_allowed")
def test_a_test_never_takes_a_stored_secret_to_another_port(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    with ScriptedReceiver() as first, ScriptedReceiver() as second:
        made = manager(
            "POST", ALL, new(tracker, partner, first.url, name="n", secret_headers={"X-Key": "s3cr3t"})
        ).json()
        path = f"{ALL}/{made['id']}/test"
        told = manager("POST", path, {"postback": {"url": second.url}}).json()
        assert told["answer"] is None
        assert "another receiver" in told["errors"]["secret_headers"][0]
        typed = {"url": second.url, "secret_headers": {"X-Key": "typed"}}
        manager("POST", path, {"postback": typed})
        (arrival,) = second.wait_for(1)
        assert arrival.headers["X-Key"] == "typed"
        assert first.arrivals == []


def test_a_test_obeys_the_guard_against_internal_addresses(
    manager: ApiCaller, tracker: ActionTracker, partner: Partner
) -> None:
    with ScriptedReceiver() as receiver:
        told = manager("POST", f"{ALL}/test", {"postback": new(tracker, partner, receiver.url)}).json()
        assert told.get("answer") is None or told["answer"]["success"] is False
        assert receiver.arrivals == []
