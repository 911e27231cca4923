"""Requests to the management API about postbacks."""

from __future__ import annotations

from typing import Any

from partners.models import ActionTracker, Partner
from postbacks.models import Postback
from tests.support.api_calls import ApiCaller

ALL = "/api/v1/postbacks"


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
