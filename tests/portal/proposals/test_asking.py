"""How a receiver wants to be asked is proposed as the rest is: its secrets stay hidden, and with whom they were given
for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest
from django.test import Client

from portal.models import PartnerLink, Proposal
from portal.proposals.fields import shown, unsealed
from portal.proposals.trying import WrongProposalError
from postbacks.credentials.asking.fields import SECRETS
from postbacks.credentials.secrets.cipher import decrypt, encrypt
from postbacks.credentials.secrets.rotation import rotate_secrets
from postbacks.models import Postback
from tests.portal.opened import opened, press
from tests.portal.proposals.test_deciding import decide, operator, url
from tests.support.authorities import authority
from tests.support.partner_calls import PartnerCaller
from tests.support.proposals import proposal_for
from tests.support.receiver import ScriptedReceiver
from tests.support.token_server import TokenServer, token_server
from value_types.secret_text import MASK

__all__ = ["operator"]  # A fixture.
pytestmark = pytest.mark.django_db

ELSEWHERE = "https://elsewhere.example/in?id={ActionId}"
BASIC = {"authentication": "basic", "basic_user": "shop", "basic_password": " s3cr3t: of the shop "}
OAUTH = {
    "authentication": "oauth2",
    "oauth_token_url": "https://tokens.example/token",
    "oauth_client_id": "shop",
    "oauth_client_secret": "s3cr3t-of-the-client",
    "oauth_client_auth": "body",
    "oauth_scope": "write",
}


def certificate() -> dict[str, str]:
    signed = authority("authority of clients").sign("shop")
    return {
        "client_certificate": signed.certificate,
        "client_key": signed.key,
        "trusted_authorities": authority().pem,
    }


KINDS: dict[str, dict[str, Any]] = {"basic": BASIC, "oauth2": OAUTH, "certificate": {}}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> dict[str, Any]:
    return KINDS[request.param] or certificate()


@pytest.fixture
def tokens(settings: Any) -> Iterator[TokenServer]:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    with token_server() as server:
        yield server


def set_up(postback: Postback, given: dict[str, str]) -> Postback:
    for name, value in given.items():
        setattr(postback, name, encrypt(value) if name in SECRETS else value)
    postback.save()
    return postback


def stored(postback: Postback, given: dict[str, str]) -> dict[str, str]:
    postback.refresh_from_db()
    found = {name: getattr(postback, name) for name in given}
    return {name: str(decrypt(value)) if name in SECRETS else value for name, value in found.items()}


def secrets_of(given: dict[str, str]) -> list[str]:
    """Of a key, a line: pages write line ends in their own way."""
    lines = [value.strip().splitlines() for key, value in given.items() if key in SECRETS]
    return [each[len(each) // 2] for each in lines]


def test_it_is_kept_without_its_secret_and_set_up_by_approval(
    operator: Client, postback: Postback, kind: dict[str, Any]
) -> None:
    proposal = proposal_for(postback, **kind)
    kept = json.dumps([proposal.values, proposal.secrets, shown(proposal)])
    assert not [each for each in secrets_of(kind) if each in kept]
    assert [shown(proposal)[key] for key in kind if key in SECRETS] == [MASK]
    assert {key: value for key, value in unsealed(proposal).items() if key in SECRETS} == {
        key: value for key, value in kind.items() if key in SECRETS
    }
    page = operator.get(url(proposal)).content.decode()
    assert "another value" in page
    page += decide(operator, proposal, "approve").content.decode()
    assert not [each for each in secrets_of(kind) if each in page]
    assert {key: value.strip() for key, value in stored(postback, kind).items()} == {
        key: value.strip() for key, value in kind.items()
    }
    proposal.refresh_from_db()
    assert not [token for pairs in proposal.secrets.values() for _, token in pairs if token]


@pytest.mark.parametrize("place", ["http://compass.example/in", "https://compass.example:8443/in", ELSEWHERE])
def test_a_kept_secret_stays_with_its_receiver(postback: Postback, kind: dict[str, Any], place: str) -> None:
    """Left out and masked are the same; typed again, also the same one, it goes there."""
    set_up(postback, kind)
    (secret,) = (key for key in kind if key in SECRETS)
    tries: list[dict[str, Any]] = [{}, {secret: MASK}]
    for given in tries:
        with pytest.raises(WrongProposalError) as raised:
            proposal_for(postback, url=place, **given)
        assert "Type it again" in raised.value.problems[secret][0]
    if not place.startswith("http:"):
        again: dict[str, Any] = {secret: kind[secret]}
        assert set(proposal_for(postback, url=place, **again).secrets) == {secret}


def test_a_client_secret_stays_with_its_token_server(operator: Client, postback: Postback) -> None:
    set_up(postback, OAUTH)
    tries: list[dict[str, Any]] = [{}, {"oauth_client_secret": MASK}]
    for secret in tries:
        with pytest.raises(WrongProposalError, match="token URL names another server"):
            proposal_for(postback, oauth_token_url="https://thief.example/token", **secret)
    proposal = proposal_for(postback, oauth_scope="read", oauth_client_secret=MASK)
    assert (proposal.values, proposal.secrets) == ({"oauth_scope": "read"}, {})

    moved = proposal_for(postback, oauth_token_url="https://new.example/token", oauth_client_secret="s3cr3t-there")
    page = operator.get(url(moved)).content.decode()
    assert "Another token server: https://new.example" in page


def test_what_moved_meanwhile_takes_no_secret_along(operator: Client, postback: Postback) -> None:
    """The proposal keeps the stored password, which was given for another receiver by now."""
    set_up(postback, BASIC)
    proposal = proposal_for(postback, url=f"{postback.url}&v=2", basic_user="other")
    postback.url = "https://moved.example/"
    postback.save()
    page = decide(operator, proposal, "approve").content.decode()
    postback.refresh_from_db()
    assert (postback.url, Proposal.objects.get().state) == ("https://moved.example/", "waiting")
    assert "Type it again" in page


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({"authentication": "digest"}, "authentication", "not allowed"),
        ({"authentication": "basic", "basic_user": "a:b", "basic_password": "x"}, "basic_user", "colon"),
        ({"authentication": "basic", "basic_user": "a"}, "basic_password", "needs a password"),
        ({"basic_password": {"a": "b"}}, "basic_password", "must be a text"),
        ({**BASIC, "basic_password": MASK}, "basic_password", "No password is kept"),
        ({**BASIC, "oauth_scope": "x"}, "oauth_scope", "Take it out"),
        ({**OAUTH, "oauth_token_url": "ftp://a.example"}, "oauth_token_url", "not the http or https URL"),
        ({**OAUTH, "oauth_token_url": "http://169.254.169.254/t"}, "oauth_token_url", "cannot be called"),
        ({"client_certificate": "no PEM"}, "client_certificate", "not a certificate"),
        ({"trusted_authorities": "no PEM"}, "trusted_authorities", "not a certificate"),
    ],
)
def test_what_cannot_be_saved_is_refused_by_key(postback: Postback, changes: Any, key: str, says: str) -> None:
    with pytest.raises(WrongProposalError) as raised:
        proposal_for(postback, **changes)
    assert says in " ".join(raised.value.problems[key])
    assert "s3cr3t" not in str(raised.value.problems)
    assert not Proposal.objects.exists()


def test_the_portal_proposes_and_tests_oauth(link: PartnerLink, postback: Postback, tokens: TokenServer) -> None:
    set_up(postback, {"authentication": "basic", "basic_user": "old", "basic_password": "s3cr3t-of-old"})
    client, form = opened(link), f"/portal/postbacks/{postback.pk}/propose/"
    page = client.get(form).content.decode()
    assert 'value="old"' in page
    assert f'type="password" value="{MASK}"' in page
    with ScriptedReceiver() as receiver:
        there = f"{receiver.url}/in?id={{ActionId}}"
        # The fields of the kind before are still in the form, and not on the screen.
        hidden = {"basic_user": "old", "basic_password": MASK}
        typed = {**hidden, **OAUTH, "url": there, "oauth_token_url": tokens.url}
        page = press(client, form, form, test="", **typed).content.decode()
        (arrival,) = receiver.wait_for(1, timeout=10)
        assert "with a Bearer token" in page
        assert arrival.headers["Authorization"] == "Bearer t0ken-number-1"
        assert tokens.asked[0]["client_secret"] == OAUTH["oauth_client_secret"]
        masked = press(client, form, form, test="", **{**typed, "oauth_client_secret": MASK}).content.decode()
        assert "No client secret is kept" in masked
        assert press(client, form, form, propose="", **typed).status_code == 302
        assert len(receiver.arrivals) == 1
    assert "s3cr3t" not in str(receiver.arrivals) + client.get(f"/portal/postbacks/{postback.pk}/").content.decode()
    proposal = Proposal.objects.get()
    assert (proposal.values["authentication"], proposal.values["basic_user"]) == ("oauth2", "")
    assert shown(proposal)["basic_password"] == ""


def test_a_test_of_basic_sends_what_was_typed_for_there(link: PartnerLink, postback: Postback, settings: Any) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    set_up(postback, {**BASIC, "basic_password": "s3cr3t-of-old"})
    client, form = opened(link), f"/portal/postbacks/{postback.pk}/propose/"
    with ScriptedReceiver() as receiver:
        typed = {**BASIC, "url": f"{receiver.url}/in", "basic_password": MASK}
        assert "Type it again" in press(client, form, form, test="", **typed).content.decode()
        page = press(client, form, form, test="", **{**typed, "basic_password": "there"}).content.decode()
        (arrival,) = receiver.wait_for(1, timeout=10)
    assert arrival.headers["Authorization"] == "Basic c2hvcDp0aGVyZQ=="
    assert f"Authorization: {MASK}" in page
    assert "anyone on the way can read the password" in page


def test_a_program_proposes_it_and_reads_no_secret(postback: Postback, kind: dict[str, Any]) -> None:
    caller = PartnerCaller(postback.owner, "propose", "test")
    made = caller("POST", f"postbacks/{postback.pk}/proposals", {"changes": kind})
    assert made.status_code == 201, made.content
    set_up(postback, kind)
    told = caller.get(f"postbacks/{postback.pk}").json()["asking"]
    assert {key: MASK if key in SECRETS else value for key, value in kind.items()}.items() <= told.items()
    said = made.content.decode() + str(told)
    assert not [each for each in secrets_of(kind) if each in said]


def test_its_secrets_are_encrypted_with_the_newest_key(postback: Postback, kind: dict[str, Any]) -> None:
    proposal = proposal_for(postback, **kind)
    before = unsealed(proposal), proposal.secrets
    assert not rotate_secrets().unreadable
    proposal.refresh_from_db()
    assert (unsealed(proposal), proposal.secrets == before[1]) == (before[0], False)


def test_a_form_that_says_nothing_of_it_leaves_it(link: PartnerLink, postback: Postback, kind: dict[str, Any]) -> None:
    """As it was opened before an upgrade."""
    set_up(postback, kind)
    form = f"/portal/postbacks/{postback.pk}/propose/"
    assert press(opened(link), form, form, propose="", url=f"{postback.url}&v=2").status_code == 302
    assert (set(Proposal.objects.get().values), Proposal.objects.get().secrets) == ({"url"}, {})
