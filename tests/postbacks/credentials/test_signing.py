"""Signed requests, as the library of Standard Webhooks verifies them: keys, their replacement, and who sees them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts.roles.table import Role
from postbacks.config_file.dump import dump_config
from postbacks.config_file.load import load_config
from postbacks.credentials.secrets.cipher import decrypt
from postbacks.credentials.signing.keys import keys_of
from postbacks.credentials.signing.renewal import SigningError, ensure_key, renew, stop_signing
from postbacks.credentials.signing.signer import HEADERS, KEY_BYTES, Signer, SigningKey, new_key
from postbacks.delivery import ready_queue
from postbacks.delivery.process import Engine
from postbacks.models import Attempt, Delivery, Postback
from postbacks.request.building import compile_request
from postbacks.validation import postback_errors, request_template
from tests.browser.actors import make_user
from tests.support.delivery_rows import make_delivery, make_lane
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, Response, ScriptedReceiver
from value_types.networks import parse_networks
from value_types.secret_text import SecretText

NOW = 1_800_000_000.0


def verify(key: str, headers: dict[str, str], body: str) -> None:
    """Raises WebhookVerificationError."""
    Webhook(key).verify(body, headers, json_parse=False)


def accepted(key: str, arrival: Arrival) -> bool:
    try:
        verify(key, arrival.headers, arrival.body)
    except WebhookVerificationError:
        return False
    return True


# The signature itself.


def test_the_library_accepts_what_is_signed_and_nothing_that_was_changed() -> None:
    key = new_key()
    headers = Signer([SigningKey(key)]).sign("41", '{"a":"ü"}'.encode())
    assert tuple(headers) == HEADERS
    verify(key, headers, '{"a":"ü"}')
    for other in ({"webhook-id": "42"}, {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}):
        with pytest.raises(WebhookVerificationError):
            verify(key, headers | other, '{"a":"ü"}')
    with pytest.raises(WebhookVerificationError):
        verify(key, headers, '{"a":"u"}')
    with pytest.raises(WebhookVerificationError):
        verify(new_key(), headers, '{"a":"ü"}')


def test_it_is_that_of_the_specification_byte_for_byte() -> None:
    """The library's own signature of the same message."""
    key = SecretText("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = Signer([SigningKey(key)]).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330.9)
    at = datetime.fromtimestamp(1614265330, tz=UTC)
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-signature"] == Webhook(key).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')


def test_two_keys_sign_until_the_older_one_ends() -> None:
    new, old = new_key(), new_key()
    signer = Signer([SigningKey(new), SigningKey(old, NOW + 10)])
    before, at_the_end = (signer.sign("1", b"x", now)["webhook-signature"].split(" ") for now in (NOW + 9.9, NOW + 10))
    assert len(before) == 2
    assert len(at_the_end) == 1
    for key, signature in zip((new, old), before, strict=True):
        assert signature == Signer([SigningKey(key)]).sign("1", b"x", NOW + 9.9)["webhook-signature"]


def test_a_key_is_long_random_and_shows_nothing_of_itself() -> None:
    one, other = new_key(), new_key()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", one)
    assert KEY_BYTES == 32
    assert one != other
    assert one not in repr(SigningKey(one))
    assert one.removeprefix("whsec_")[:8] not in repr(Signer([SigningKey(one)]))


# The keys of a postback.


def signatures(postback: Postback) -> list[str]:
    request = compile_request(request_template(postback)).build({"DeliveryId": "7"})
    return request.headers.get("webhook-signature", "").split()


def test_a_key_is_stored_encrypted_and_ends_with_its_overlap(lane: Postback) -> None:
    assert (signatures(lane), lane.signed) == ([], False)
    first = renew(lane, timedelta(hours=1))
    lane.refresh_from_db()
    assert (lane.previous_signing_key, lane.previous_signing_key_until) == ("", None)
    assert first not in lane.signing_key
    assert decrypt(lane.signing_key) == first
    second = renew(lane, timedelta(hours=1))
    lane.refresh_from_db()
    assert [key.text for key in keys_of(lane)] == [second, first]
    assert len(signatures(lane)) == 2
    third = renew(lane, timedelta(0))
    assert [key.text for key in keys_of(lane)] == [third], "no overlap: it ends at once"
    stop_signing(lane)
    lane.refresh_from_db()
    assert (signatures(lane), lane.signing_key, lane.signing_key_made_at) == ([], "", None)


def test_headers_of_the_signature_cannot_be_set_as_well(lane: Postback) -> None:
    Postback.objects.filter(pk=lane.pk).update(headers="Webhook-ID: {DeliveryId}")
    lane.refresh_from_db()
    assert postback_errors(lane) == {}
    with pytest.raises(SigningError, match="sets Webhook-ID among its headers"):
        renew(lane, timedelta(0))
    assert not Postback.objects.get(pk=lane.pk).signed
    ensure_key(lane)
    assert postback_errors(lane)["headers"] == ["Webhook-ID is set by the signature. Take it out, or stop signing."]


def test_a_key_that_cannot_be_read_is_said_so(lane: Postback, settings: Settings) -> None:
    renew(lane, timedelta(0))
    settings.POSTBACKS_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert postback_errors(lane)["secret_headers"][0].startswith("The signing key cannot be read. It was encrypted")


def test_the_command_prints_a_key_once(lane: Postback) -> None:
    out, words = StringIO(), StringIO()
    call_command("signing_key", str(lane.pk), stdout=out, stderr=words)
    call_command("signing_key", str(lane.pk), overlap="2h", stdout=out, stderr=words)
    first, second = out.getvalue().split()
    lane.refresh_from_db()
    assert [key.text for key in keys_of(lane)] == [second, first]
    left = lane.previous_signing_key_until - timezone.now()  # type: ignore[operator]  # it is set
    assert timedelta(minutes=119) < left <= timedelta(hours=2)
    assert "is signed with this key from now on, and with the previous one for 2h. It is not shown" in words.getvalue()
    call_command("signing_key", str(lane.pk), stop=True, stdout=out, stderr=words)
    assert not Postback.objects.get(pk=lane.pk).signed
    with pytest.raises(CommandError, match=r"There is no postback 0\."):
        call_command("signing_key", "0")
    with pytest.raises(CommandError, match='"1y" is not a duration'):
        call_command("signing_key", str(lane.pk), overlap="1y")


def test_a_configuration_file_knows_that_it_is_signed_and_not_the_key(lane: Postback) -> None:
    plain = dump_config()
    key = renew(lane, timedelta(0))
    signed = dump_config()
    assert signed.count("signed: true") == 1
    assert key not in signed
    assert load_config(signed).changes == []
    assert [str(change).splitlines()[1].strip() for change in load_config(plain).changes] == [
        "signed: True -> (not set)"
    ]
    outcome = load_config(signed)
    assert [
        note.partition(" is now signed, with a new key that has not been shown.")[1] != "" for note in outcome.notes
    ] == [True]
    lane.refresh_from_db()
    assert decrypt(lane.signing_key) != key
    assert load_config(signed).notes == []


# On its way.


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("loopback_is_allowed", "empty_redis")
def test_the_engine_signs_each_attempt_anew_under_one_id_and_with_both_keys(engine: Engine) -> None:
    def once_busy(arrival: Arrival) -> Response:
        return Response(503) if arrival.query["n"] == "1" else Response()

    body = {"method": "POST", "body_format": "json", "body_pairs": [["id", "{ActionId}"], ["é", "{Attempt}"]]}
    with ScriptedReceiver(once_busy) as receiver:
        post = make_lane(url=receiver.url + "/post?n={Attempt}", **body)
        get = make_lane(url=receiver.url + "/get?n={Attempt}")
        keys: dict[int, list[str]] = {
            lane.pk: [renew(lane, timedelta(0)), renew(lane, timedelta(hours=1))] for lane in (post, get)
        }
        deliveries = {lane.pk: make_delivery(lane) for lane in (post, get)}
        for attempt in (1, 2):
            Delivery.objects.filter(state="ready").update(due_at=timezone.now())
            ready_queue.wake(dict.fromkeys(keys, 0.0))
            engine.drain()
            arrived = receiver.wait_for(2 * attempt)
            wait_until(lambda n=attempt: Attempt.objects.count() == 2 * n, 5, "they are recorded")  # type: ignore[misc]

    assert len(arrived) == 4
    for lane, path in ((post, "/post"), (get, "/get")):
        mine = [arrival for arrival in arrived if arrival.path == path]
        assert {arrival.headers["webhook-id"] for arrival in mine} == {str(deliveries[lane.pk].pk)}
        for arrival in mine:
            assert [accepted(key, arrival) for key in (*keys[lane.pk], new_key())] == [True, True, False]
            changed = arrival.__class__(arrival.t, "POST", arrival.url, arrival.headers, arrival.raw_body + b" ")
            assert not accepted(keys[lane.pk][1], changed)
    first, second = (arrival.headers for arrival in arrived if arrival.path == "/post")
    assert int(first["webhook-timestamp"]) <= int(second["webhook-timestamp"])
    assert first["webhook-signature"] != second["webhook-signature"]
    assert "webhook-signature: v1," in Attempt.objects.filter(delivery__postback=post)[0].request_headers


# The screens.


def fields(postback: Postback, **more: Any) -> dict[str, Any]:
    return {
        "media_source": postback.media_source_id,
        "action_tracker": postback.action_tracker_id,
        "event_trigger": "always",
        "scope": "all",
        "url": postback.url,
        "method": "GET",
        "name": postback.name,
        "test_send_postback": postback.pk,
        **more,
    }


def test_the_screen_shows_a_key_once_and_tells_the_history_that_there_is_one(client: Client, lane: Postback) -> None:
    client.force_login(make_user(Role.OPERATOR))
    page = reverse("admin:postbacks_postback_signing", args=(lane.pk,))
    change = reverse("admin:postbacks_postback_change", args=(lane.pk,))
    assert "Requests are not signed" in client.get(page).content.decode()
    answer = client.post(page, {"renew": "1"})
    assert "no-store" in answer["Cache-Control"]
    (first,) = re.findall(r"whsec_[\w+/=]+", answer.content.decode())
    lane.refresh_from_db()
    assert decrypt(lane.signing_key) == first
    (second,) = re.findall(r"whsec_[\w+/=]+", client.post(page, {"renew": "1", "overlap": "168"}).content.decode())
    lane.refresh_from_db()
    assert [key.text for key in keys_of(lane)] == [second, first]
    until = lane.previous_signing_key_until
    assert until is not None
    assert timedelta(days=6, hours=23) < until - timezone.now() <= timedelta(days=7)
    for shown in (page, change):
        text = client.get(shown).content.decode()
        assert "whsec_" not in text
        assert lane.signing_key not in text
    assert client.post(change, fields(lane)).status_code == 302
    lane.refresh_from_db()
    assert [key.text for key in keys_of(lane)] == [second, first], "the form leaves keys alone"
    assert client.post(page, {"stop": "1"}).status_code == 302
    lane.refresh_from_db()
    assert not lane.signed
    told = list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))
    assert [told[0], told[1], told[-1]] == ["Has a new signing key.", "Has a new signing key.", "No longer signed."]


def test_who_may_only_look_makes_no_key(client: Client, lane: Postback) -> None:
    client.force_login(make_user(Role.VIEWER))
    page = reverse("admin:postbacks_postback_signing", args=(lane.pk,))
    shown = client.get(reverse("admin:postbacks_postback_change", args=(lane.pk,))).content.decode()
    assert "Requests are not signed" in shown
    assert page not in shown
    assert [client.get(page).status_code, client.post(page, {"renew": "1"}).status_code] == [403, 403]
    assert not Postback.objects.get(pk=lane.pk).signed


def test_send_test_and_the_preview_are_signed_under_an_id_of_no_delivery(
    client: Client, lane: Postback, settings: Settings
) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = parse_networks(["127.0.0.0/8"])
    client.force_login(make_user(Role.OPERATOR))
    key = renew(lane, timedelta(0))
    with ScriptedReceiver() as receiver:
        lane.url = receiver.url + "/in"
        lane.save()
        preview = client.post(reverse("admin:postbacks_postback_preview"), fields(lane)).json()
        assert set(HEADERS) <= set(preview["request"]["headers"])
        assert client.post(reverse("admin:postbacks_postback_test"), fields(lane)).json()["answer"]["success"]
        (arrival,) = receiver.arrivals
    assert accepted(key, arrival)
    assert re.fullmatch(r"test_[0-9a-f]{16}", arrival.headers["webhook-id"])
    unsaved = client.post(reverse("admin:postbacks_postback_preview"), fields(lane, test_send_postback="")).json()
    assert set(HEADERS).isdisjoint(unsaved["request"]["headers"])
