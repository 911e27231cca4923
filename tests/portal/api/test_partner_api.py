"""The partner API: what the portal's pages show and do, for programs with the token of a link."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.utils import timezone

from partners.models import ActionTracker, Partner
from portal.links import revoke
from portal.models import PartnerLink, Proposal
from portal.tokens import make_token, take_token
from postbacks.credentials.secrets.cipher import encrypt
from postbacks.credentials.signing.renewal import ensure_key
from postbacks.lifecycle import PAUSED_BY_OWNER, pause
from postbacks.models import Attempt, Delivery, Postback
from tests.support.api_calls import ApiCaller
from tests.support.factories import make_postback, make_term, make_tracker, record_action
from tests.support.partner_calls import ROOT, PartnerCaller
from tests.support.proposals import link_of, proposal_for
from tests.support.receiver import Arrival, Response, ScriptedReceiver
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db
ALL = list(PartnerLink.Right.values)
CITY = "Ulm-71"


@pytest.fixture
def caller(partner: Partner) -> PartnerCaller:
    return PartnerCaller(partner, *ALL)


@pytest.fixture
def sent(postback: Postback, tracker: ActionTracker, partner: Partner) -> Delivery:
    """An order of Compass, delivered with an attempt; its city is sent in the URL, its status text is not."""
    postback.url = "https://compass.example/in?id={ActionId}&city={CustomerCity}"
    postback.secret_headers = [["X-Key", encrypt("s3cr3t-of-old")]]
    postback.save()
    event = record_action(tracker, partner, CustomerCity=CITY, Text1="the-brands-own")
    delivery = Delivery.objects.get(event=event)
    now = timezone.now()
    Delivery.objects.filter(pk=delivery.pk).update(state="delivered", finished_at=now, attempts_made=1)
    delivery.refresh_from_db()
    Attempt.objects.create(
        delivery=delivery,
        number=1,
        started_at=now,
        duration_ms=12,
        succeeded=True,
        method="GET",
        url=f"https://compass.example/in?id={event.action.action_id}&city={CITY}",
        status=200,
        request_headers=f"User-Agent: x\nX-Key: {MASK}",
        response_body=f"thanks {CITY}",
        reason="Status 200",
    )
    return delivery


def status(answer: Any) -> int:
    return int(answer.status_code)


def test_only_a_link_in_force_is_answered(partner: Partner) -> None:
    """Each refusal is the same, whatever the reason."""
    caller = PartnerCaller(partner)
    assert status(caller.get("postbacks")) == 200
    old = caller.token
    caller.token = make_token(caller.link)
    assert status(caller.get("postbacks")) == 200
    refused = []
    ended = PartnerCaller(partner, ends_at=timezone.now() - timedelta(seconds=1))
    revoked, taken = PartnerCaller(partner), PartnerCaller(partner)
    revoke(revoked.link)
    take_token(taken.link)
    for token in (old, ended.token, revoked.token, taken.token, "pl_", "", caller.link.api_token_sha256, f"{old}x"):
        answer = Client().get(f"{ROOT}/postbacks", headers={"Authorization": f"Bearer {token}"})
        refused.append((answer.status_code, answer.content, answer.headers["WWW-Authenticate"]))
    refused += [
        (answer.status_code, answer.content, answer.headers["WWW-Authenticate"])
        for answer in (
            Client().get(f"{ROOT}/postbacks"),
            Client().get(f"{ROOT}/postbacks", headers={"Authorization": f"Basic {caller.token}"}),
            Client().get(f"{ROOT}/postbacks?token={caller.token}"),
        )
    ]
    assert len(set(refused)) == 1
    assert refused[0][0] == 401


def test_neither_kind_of_token_opens_what_the_other_does(partner: Partner) -> None:
    partners, account = PartnerCaller(partner, *ALL), ApiCaller(scopes=["report", "read", "personal", "manage"])
    for path in ("/api/v1/postbacks", "/api/v1/deliveries", f"/Advertisers/{account.sid}/Actions.json"):
        answer = Client().get(path, headers={"Authorization": f"Bearer {partners.token}"})
        assert answer.status_code == 401, path
    assert account.get(f"{ROOT}/postbacks").status_code == 401


def test_a_program_is_counted_as_any_other(
    caller: PartnerCaller, settings: Any, empty_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_REQUESTS_PER_SECOND = 2
    monkeypatch.setattr("actions.api.rate.time.time", lambda: 1_000_000.0)
    answers = [caller.get("postbacks") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[0].headers["X-RateLimit-Remaining"] == "1"


def test_own_postbacks_are_listed_with_their_health_and_without_secrets(
    caller: PartnerCaller, sent: Delivery, tracker: ActionTracker, partner: Partner
) -> None:
    lead = make_tracker(tracker.program)
    make_term(lead, partner)
    second = make_postback(lead, partner, name="Leads")
    proposal = proposal_for(second)
    first = caller.get("postbacks", limit=1).json()
    (shown,) = first["postbacks"]
    assert (shown["id"], shown["state"], shown["secret_headers"]) == (sent.postback_id, "active", {"X-Key": MASK})
    rest = caller.get("postbacks", after=shown["id"]).json()
    assert [(each["id"], each["waiting_proposal"]) for each in rest["postbacks"]] == [(second.pk, proposal.pk)]
    assert first["next"].startswith(f"{ROOT}/postbacks?")
    assert "s3cr3t" not in str(first)
    assert caller.get(f"postbacks/{shown['id']}").json() == shown


def test_a_delivery_is_shown_with_what_its_postback_sends(caller: PartnerCaller, sent: Delivery) -> None:
    """Personal data is masked, and what the template does not send is not there."""
    answer = caller.get(f"deliveries/{sent.pk}")
    told = answer.json()
    assert told["values"] == {"ActionId": sent.action.action_id, "CustomerCity": MASK}
    assert told["order"] == {"ActionId": sent.action.action_id}
    assert [each["status"] for each in told["attempts"]] == [200]
    text = answer.content.decode()
    for hidden in (CITY, "the-brands-own", sent.action.order_id, "s3cr3t"):
        assert hidden not in text
    PartnerLink.objects.update(personal_data=True)
    open_ = caller.get(f"deliveries/{sent.pk}").json()
    assert open_["values"]["CustomerCity"] == CITY
    assert CITY in open_["attempts"][0]["response_body"]


def test_deliveries_are_filtered_in_pages(
    caller: PartnerCaller, sent: Delivery, tracker: ActionTracker, partner: Partner
) -> None:
    later = [Delivery.objects.get(event=record_action(tracker, partner)) for _ in range(2)]
    ids = [later[1].pk, later[0].pk, sent.pk]
    first = caller.get("deliveries", limit=2).json()
    assert [each["id"] for each in first["deliveries"]] == ids[:2]
    following = caller("GET", first["next"].removeprefix(f"{ROOT}/")).json()
    assert ([each["id"] for each in following["deliveries"]], following["next"]) == ([sent.pk], None)
    for query, found in (
        ({"state": "delivered"}, [sent.pk]),
        ({"state": "unfinished"}, ids[:2]),
        ({"postback": sent.postback_id}, ids),
        ({"postback": 987_654_321}, []),
        ({"search": sent.action.action_id}, [sent.pk]),
        ({"search": sent.sent_as}, [sent.pk]),
        ({"search": sent.action.action_id, "state": "failed"}, []),
        ({"search": sent.action.order_id}, []),  # The template does not send it.
    ):
        assert [each["id"] for each in caller.get("deliveries", **query).json()["deliveries"]] == found, query
    assert status(caller.get("deliveries", partner=partner.pk)) == 400


def test_why_an_order_was_not_sent(
    caller: PartnerCaller, postback: Postback, tracker: ActionTracker, partner: Partner
) -> None:
    postback.event_trigger = "changes"
    postback.save()
    event = record_action(tracker, partner)
    told = caller.get("why-not", search=event.action.action_id).json()
    assert told["deliveries"] == []
    (moment,) = told["missed"]
    assert moment["postbacks"][0]["reasons"] == ["It is for changes only, and this was a new order."]
    assert status(caller.get("why-not")) == 400


def test_a_delivery_is_sent_again_once(caller: PartnerCaller, sent: Delivery) -> None:
    made = caller("POST", f"deliveries/{sent.pk}/resend")
    assert (made.status_code, made.json()["delivery_id"]) == (200, sent.sent_as)
    assert status(caller("POST", f"deliveries/{sent.pk}/resend")) == 409
    entry = LogEntry.objects.filter(object_pk=str(made.json()["id"]), additional_data__text="Sent again.").get()
    assert entry.additional_data["by"] == caller.link.author


def test_pausing_and_resuming_keep_to_what_the_partner_paused(caller: PartnerCaller, postback: Postback) -> None:
    paused = caller("POST", f"postbacks/{postback.pk}/pause").json()
    assert (paused["state"], paused["paused_by_you"]) == ("paused", True)
    by = LogEntry.objects.get_for_object(postback).first().additional_data["by"]
    assert by == caller.link.author
    assert caller("POST", f"postbacks/{postback.pk}/resume").json()["state"] == "active"
    postback.refresh_from_db()
    pause(postback)
    for what in ("pause", "resume"):
        assert status(caller("POST", f"postbacks/{postback.pk}/{what}")) == 409
    postback.refresh_from_db()
    assert postback.paused_at is not None
    assert postback.pause_reason != PAUSED_BY_OWNER


def test_the_signing_key_is_renewed_only_where_requests_are_signed(caller: PartnerCaller, postback: Postback) -> None:
    assert status(caller("POST", f"postbacks/{postback.pk}/signing-key")) == 409
    ensure_key(postback)
    postback.save()
    told = caller("POST", f"postbacks/{postback.pk}/signing-key").json()
    assert told["key"].startswith("whsec_")
    assert told["previous_until"] is not None


def test_a_change_is_previewed_tried_proposed_and_withdrawn(
    caller: PartnerCaller, sent: Delivery, settings: Any
) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]

    def echo(arrival: Arrival) -> Response:
        return Response(200, body=str(arrival.headers).encode())

    one = f"postbacks/{sent.postback_id}"
    with ScriptedReceiver(echo) as receiver:
        there = f"http://127.0.0.1:{receiver.port}/in?id={{ActionId}}"
        moved: dict[str, Any] = {"changes": {"url": there}}
        for path in ("preview", "test", "proposals"):
            refused = caller("POST", f"{one}/{path}", moved)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "changes.secret_headers")
        moved["changes"] = {"url": there, "secret_headers": {"X-Key": "s3cr3t-there"}}
        assert caller("POST", f"{one}/preview", moved).json()["request"]["headers"]["X-Key"] == MASK
        tried = caller("POST", f"{one}/test", moved)
        (arrival,) = receiver.wait_for(1, timeout=10)
    assert tried.json()["answer"]["success"]
    assert "s3cr3t-there" in str(arrival.headers)
    assert "s3cr3t-of-old" not in str(arrival)
    assert "s3cr3t" not in tried.content.decode()
    made = caller("POST", f"{one}/proposals", {**moved, "note": "We move."})
    assert made.status_code == 201
    shown = made.json()
    assert shown["changes"] == {"url": there, "secret_headers": {"X-Key": MASK}}
    assert Proposal.objects.get().author.endswith("by API")
    assert caller.get("proposals", state="waiting").json()["proposals"] == [shown]
    assert caller("POST", f"proposals/{shown['id']}/withdraw").json()["state"] == "withdrawn"
    assert status(caller("POST", f"proposals/{shown['id']}/withdraw")) == 409
    assert caller.get(f"proposals/{shown['id']}").json()["state"] == "withdrawn"


@pytest.mark.parametrize(
    "body",
    [
        {"changes": {"name": "Mine"}},
        {"changes": []},
        {"changes": {}},
        {"changes": {"url": "https://compass.example/{Nonsense}"}},
        {"changes": {"url": "https://compass.example/v2"}, "note": 5},
        {"changes": {"url": "https://compass.example/v2"}, "note": "n" * 1001},
        {"postback": {"url": "https://compass.example/v2"}},
    ],
)
def test_what_cannot_be_proposed_is_a_400_with_its_field(caller: PartnerCaller, postback: Postback, body: Any) -> None:
    answer = caller("POST", f"postbacks/{postback.pk}/proposals", body)
    assert (answer.status_code, answer.json()["Status"]) == (400, "ERROR")
    assert not Proposal.objects.exists()


def test_tests_are_few_in_a_minute(caller: PartnerCaller, postback: Postback) -> None:
    path = f"postbacks/{postback.pk}/test"
    answers = [caller("POST", path).status_code for _ in range(11)]
    assert answers == [*[200] * 10, 429]


def test_a_password_of_the_link_is_for_people(partner: Partner) -> None:
    """The token is what a program proves itself by."""
    link = link_of(partner, password="hashed")
    token = make_token(link)
    assert Client().get(f"{ROOT}/postbacks", headers={"Authorization": f"Bearer {token}"}).status_code == 200
