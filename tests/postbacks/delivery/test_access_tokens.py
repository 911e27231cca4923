"""OAuth 2.0 in the engine, against a real token server: fetched before it is needed, shared, renewed after a 401; what
the token server does wrong is told apart, and holds up nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from postbacks.credentials.secrets.cipher import encrypt
from postbacks.delivery import ready_queue
from postbacks.delivery.process import Engine
from postbacks.models import AccessToken, Attempt, Delivery, Postback
from tests.support.delivery_rows import make_delivery, make_lane, undelivered
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, Hang, Response, ScriptedReceiver
from tests.support.token_server import TokenServer, token, token_server
from tests.support.workers import running_workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("loopback_is_allowed")]


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


def lane_of(receiver: ScriptedReceiver, tokens: TokenServer, **fields: object) -> Postback:
    return make_lane(
        url=f"{receiver.url}/in?attempt={{Attempt}}",
        authentication="oauth2",
        oauth_token_url=tokens.url,
        oauth_client_id="shop",
        oauth_client_secret=encrypt("s3cret-of-the-client"),
        **fields,
    )


def drain_until(engine: Engine, done: object, what: str) -> None:
    """Drains as workers do, whenever lanes are due."""

    def look() -> bool:
        lanes = Delivery.objects.filter(state="ready").values_list("postback_id", flat=True)
        ready_queue.wake(dict.fromkeys(lanes, 0.0), post=False)
        engine.drain()
        return bool(done())  # type: ignore[operator]

    wait_until(look, 15, what)


def attempts_of(delivery: Delivery) -> list[tuple[int, bool, str]]:
    rows = Attempt.objects.filter(delivery=delivery).order_by("number")
    return [(each.number, each.succeeded, each.why or "") for each in rows]


def delivered() -> bool:
    return not Delivery.objects.exclude(state="delivered").exists()


def sent_tokens(receiver: ScriptedReceiver) -> list[str]:
    return [each.headers.get("Authorization", "").removeprefix("Bearer t0ken-number-") for each in receiver.arrivals]


def test_one_token_serves_all_and_is_kept_encrypted(
    engine: Engine, receiver: ScriptedReceiver, tokens: TokenServer
) -> None:
    lane = lane_of(receiver, tokens)
    for _ in range(20):
        make_delivery(lane)
    drain_until(engine, delivered, "all are delivered")
    assert sent_tokens(receiver) == ["1"] * 20
    assert len(tokens.asked) == 1
    kept = AccessToken.objects.get()
    assert "t0ken" not in kept.token
    attempt = Attempt.objects.first()
    assert attempt is not None
    assert "Authorization: ••••••••" in attempt.request_headers
    make_delivery(lane)
    Engine.drain(engine)
    drain_until(engine, delivered, "one more is delivered")
    assert len(tokens.asked) == 1


def test_a_token_is_fetched_ahead_of_its_end_while_the_old_one_is_sent(
    engine: Engine, receiver: ScriptedReceiver, tokens: TokenServer
) -> None:
    lane = lane_of(receiver, tokens)
    make_delivery(lane)
    drain_until(engine, delivered, "the first is delivered")
    AccessToken.objects.update(refresh_at="2026-01-01T00:00:00Z")
    make_delivery(lane)
    drain_until(engine, delivered, "the second is delivered")
    assert sent_tokens(receiver) == ["1", "1"]
    wait_until(lambda: AccessToken.objects.get().generation == 2, 10, "the next token has come")
    make_delivery(lane)
    drain_until(engine, delivered, "the third is delivered")
    assert sent_tokens(receiver)[-1] == "2"


def test_a_401_is_followed_at_once_by_a_new_token_and_an_attempt_of_its_own(
    engine: Engine, receiver: ScriptedReceiver, tokens: TokenServer
) -> None:
    def script(arrival: Arrival) -> Response:
        return Response(401 if arrival.headers["Authorization"].endswith("-1") and len(receiver.arrivals) > 1 else 200)

    receiver.script = script
    lane = lane_of(receiver, tokens)
    make_delivery(lane)
    drain_until(engine, delivered, "the first is delivered")
    second = make_delivery(lane)
    began = time.monotonic()
    drain_until(engine, delivered, "the second is delivered")
    assert time.monotonic() - began < 4, "a retry by the schedule comes after five seconds"
    assert attempts_of(second) == [(1, False, "status_4xx"), (2, True, "")]
    assert sent_tokens(receiver) == ["1", "1", "2"]
    assert len(tokens.asked) == 2


def test_a_second_401_in_a_row_is_judged_like_any_other(
    engine: Engine, receiver: ScriptedReceiver, tokens: TokenServer
) -> None:
    receiver.script = lambda _: Response(401)
    delivery = make_delivery(lane_of(receiver, tokens))
    drain_until(engine, lambda: Attempt.objects.count() == 2, "two attempts are made")
    delivery.refresh_from_db()
    assert delivery.state == "ready"
    assert delivery.reason.startswith("Status 401")
    assert "new one is fetched" not in delivery.reason
    assert sent_tokens(receiver) == ["1", "2"]
    assert len(tokens.asked) == 2


def test_what_the_token_server_refuses_is_told_apart_and_tried_again(
    engine: Engine, receiver: ScriptedReceiver, tokens: TokenServer
) -> None:
    tokens.answer = lambda _: Response(401, '{"error":"invalid_client","error_description":"s3cret-of-the-client"}')
    delivery = make_delivery(lane_of(receiver, tokens))
    drain_until(engine, Attempt.objects.exists, "an attempt is recorded")
    delivery.refresh_from_db()
    assert attempts_of(delivery) == [(1, False, "oauth_token")]
    assert delivery.reason == "No access token: the token server answered with status 401: invalid_client (••••••••)."
    assert (delivery.state, receiver.arrivals) == ("ready", [])
    tokens.answer = None
    AccessToken.objects.update(retry_at="2026-01-01T00:00:00Z")
    Delivery.objects.update(due_at="2026-01-01T00:00:00Z")
    drain_until(engine, delivered, "it is delivered")
    assert attempts_of(delivery) == [(1, False, "oauth_token"), (2, True, "")]


def test_a_token_server_that_hangs_holds_up_only_its_own_lane(
    engine: Engine, receiver: ScriptedReceiver, tokens: TokenServer
) -> None:
    with token_server() as hanging:
        hanging.answer = lambda _: Hang()
        for _ in range(3):
            make_delivery(lane_of(receiver, hanging))
        others = [make_delivery(lane_of(receiver, tokens)), make_delivery(make_lane(url=f"{receiver.url}/plain"))]
        ids = [each.pk for each in others]
        began = time.monotonic()
        drain_until(
            engine, lambda: Delivery.objects.filter(pk__in=ids, state="delivered").count() == 2, "the others go out"
        )
        assert time.monotonic() - began < 5
        assert Delivery.objects.filter(state="ready").count() == 3
        assert not Attempt.objects.exclude(delivery__in=ids).exists()


def test_another_secret_fetches_another_token(engine: Engine, receiver: ScriptedReceiver, tokens: TokenServer) -> None:
    lane = lane_of(receiver, tokens)
    make_delivery(lane)
    drain_until(engine, delivered, "the first is delivered")
    Postback.objects.filter(pk=lane.pk).update(oauth_client_secret=encrypt("an0ther-secret"))
    make_delivery(lane)
    drain_until(engine, delivered, "the second is delivered")
    assert sent_tokens(receiver) == ["1", "2"]


@pytest.mark.worker
def test_of_two_worker_processes_one_fetches_the_token(receiver: ScriptedReceiver, tokens: TokenServer) -> None:
    lanes = [lane_of(receiver, tokens) for _ in range(4)]
    # So late that the other process wants it meanwhile.
    tokens.answer = lambda _: replace(token("t0ken-of-all"), delay_seconds=0.3)
    with running_workers(concurrency=2) as worker:
        for _ in range(8):
            for lane in lanes:
                make_delivery(lane)
        wait_until(delivered, 30, "all are delivered", lambda: undelivered(worker))
        assert len(worker.children()) == 2
    assert len(tokens.asked) == len(lanes)
    assert all(attempt.succeeded for attempt in Attempt.objects.all())
