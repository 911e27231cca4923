"""The same conversion at the same moment, Redis away, and requests that no person would think of."""

from __future__ import annotations

import base64
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from redis import Redis

from actions.api.tokens import create_token
from actions.models import Action, ActionEvent, Submission
from postbacks.models import Delivery
from stores import patience as api_redis
from tests.support.factories import make_partner, make_postback, make_term, make_tracker, report_fields

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))  # Of each operation; `make fuzz` tries more.


class Account:
    """A token, and the headers of a request with it."""

    def __init__(self) -> None:
        token, text = create_token("test")
        basic = base64.b64encode(f"{token.account_sid}:{text}".encode()).decode()
        self.sid = token.account_sid
        self.headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}

    def report(self, fields: dict[str, Any]) -> int:
        response = Client().post(
            f"/Advertisers/{self.sid}/Conversions", fields, "application/json", headers=self.headers
        )
        return response.status_code


def test_fifty_at_once_are_one_action_and_forty_nine_repeats() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    make_postback(tracker, partner)
    account, fields = Account(), report_fields(tracker, partner)
    callers = 50
    barrier = Barrier(callers)

    def call() -> int:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            return account.report(fields)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(callers) as threads:
        answers = [future.result() for future in [threads.submit(call) for _ in range(callers)]]
    assert answers == [200] * callers
    assert Counter(Submission.objects.values_list("result", "reason_code")) == {
        ("recorded", ""): 1,
        ("repeated", "CONV_DUPLICATE"): 49,
    }
    assert (Action.objects.count(), ActionEvent.objects.count(), Delivery.objects.count()) == (1, 1, 1)


def test_callers_do_not_notice_that_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Redis.from_url("redis://127.0.0.1:1")
    monkeypatch.setattr(api_redis, "_redis", gone)
    monkeypatch.setattr(api_redis, "_asked_again_at", 0.0)
    monkeypatch.setattr("postbacks.delivery.redis.client.connection_pool", gone.connection_pool)
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    make_postback(tracker, partner)
    account = Account()
    answers = [account.report({**report_fields(tracker, partner), "OrderId": f"o-{n}"}) for n in range(3)]
    assert answers == [200] * 3
    assert Delivery.objects.count() == 3  # In the database, where a worker's sweep finds them.


def test_no_request_makes_the_api_fail_or_answer_what_its_document_does_not_say() -> None:
    from tests.support.from_document import operations

    account, tracker = Account(), make_tracker()
    account.report(report_fields(tracker))

    found = operations("^/Advertisers/")
    assert len(found) == 24
    for operation in found:
        _try(operation, account)


def _try(operation: Any, account: Account) -> None:
    from tests.support.from_document import CHECKS, CONFORMANCE

    offered = 501 not in map(int, operation.definition.raw["responses"])
    checks = CHECKS if offered else CONFORMANCE

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
    )
    def requests(case: Any) -> None:
        case.path_parameters = {**(case.path_parameters or {}), "account_sid": account.sid}
        case.call_and_validate(headers=account.headers, checks=checks)

    requests()
