"""What the management API shares with the conversion API: rates, 401, and errors in one shape."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from postbacks.models import Postback
from tests.support.api_calls import ApiCaller

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]


@override_settings(API_REQUESTS_PER_SECOND=2)
def test_a_token_has_one_rate_for_both_apis(manager: ApiCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.api.rate.time.time", lambda: 1_800_000_000.0)
    answers = [
        manager("GET", "/api/v1/postbacks"),
        manager.account("GET", "Actions"),
        manager("POST", "/api/v1/postbacks", {}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].json()["Status"] == "ERROR"


@pytest.mark.parametrize("accept", ["application/xml", "*/*", "text/html"])
def test_answers_are_json_whatever_is_asked_for(manager: ApiCaller, postback: Postback, accept: str) -> None:
    for method, path, status in (
        ("GET", f"/api/v1/postbacks/{postback.pk}", 200),
        ("GET", "/api/v1/postbacks/999999", 404),
        ("PATCH", f"/api/v1/postbacks/{postback.pk}", 428),
        ("PUT", "/api/v1/postbacks", 405),
        ("GET", "/api/v1/nothing", 404),
    ):
        answer = manager(method, path, Accept=accept)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
        assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_token_nothing_is_told(postback: Postback) -> None:
    for path in ("/api/v1/postbacks", f"/api/v1/postbacks/{postback.pk}", "/api/v1/deliveries"):
        answer = Client().get(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert answer.json()["Status"] == "ERROR"


@pytest.mark.parametrize(
    "key", ["0", "-1", "1e3", "abc", "9" * 30, "%00", "%ff", "\N{ARABIC-INDIC DIGIT ONE}", "1 "], ids=ascii
)
def test_an_id_that_is_none_is_not_there(manager: ApiCaller, key: str) -> None:
    for kind in ("postbacks", "deliveries", "partners", "contracts"):
        assert manager("GET", f"/api/v1/{kind}/{key}").status_code == 404
