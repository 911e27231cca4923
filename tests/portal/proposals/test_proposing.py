"""A partner proposes a change: checked at once, kept without its secrets in the clear, one at a time."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command

from notices.models import Notice
from partners.models import Partner
from portal.models import Proposal
from portal.proposals import making
from portal.proposals.fields import shown, unsealed
from portal.proposals.making import propose, withdraw
from portal.proposals.trying import WrongProposalError
from postbacks.credentials.secrets.cipher import decrypt, encrypt
from postbacks.models import Postback
from tests.support.channels import make_channel
from tests.support.proposals import link_of, proposal_for
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db
ELSEWHERE = "https://elsewhere.example/in?id={ActionId}"


@pytest.fixture
def secretive(postback: Postback) -> Postback:
    """Sales, with a secret header and a plain one."""
    postback.headers = "X-Plain: yes"
    postback.secret_headers = [["X-Key", encrypt("s3cr3t-of-old")]]
    postback.save()
    return postback


def refused(postback: Postback, **changes: Any) -> dict[str, list[str]]:
    with pytest.raises(WrongProposalError) as raised:
        proposal_for(postback, **changes)
    assert not Proposal.objects.exists()
    return raised.value.problems


def test_the_postback_stays_as_it_is_and_operators_are_told(postback: Postback) -> None:
    make_channel()
    proposal = proposal_for(postback, url=ELSEWHERE, note="We move on Monday.")
    before = postback.url
    postback.refresh_from_db()
    assert (postback.url, proposal.state, proposal.note) == (before, "waiting", "We move on Monday.")
    told = Notice.objects.get().content
    assert told["title"] == "Proposal: Compass: Sales"
    assert "a change of URL, to https://elsewhere.example." in told["text"]
    assert told["path"] == f"/admin/portal/proposal/{proposal.pk}/change/"
    assert told["program"] == postback.action_tracker.program_id


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({"url": "https://compass.example/{Nonsense}"}, "url", "Unknown parameter {Nonsense}"),
        ({"url": "https://compass.example/{ActionId"}, "url", "{"),
        ({"url": "ftp://compass.example/"}, "url", "http"),
        ({"url": ""}, "url", "missing"),
        ({"url": None}, "url", "missing"),
        ({"url": 5}, "url", "must be a text"),
        ({"url": "https://compass.example/\0"}, "url", "U+0000"),
        ({"headers": "No colon here"}, "headers", "the colon is missing"),
        ({"headers": "Host: other.example"}, "headers", "Host"),
        ({"secret_headers": "X-Key: a"}, "secret_headers", "mapping"),
        ({"secret_headers": {"X-Key": 5}}, "secret_headers", "mapping"),
        ({"secret_headers": {"X-New": MASK}}, "secret_headers", "No value of X-New is kept"),
        ({"secret_headers": {"X-Key": "two\nlines"}}, "secret_headers", "control character"),
        ({"secret_headers": {"X Key": "a"}}, "secret_headers", "X Key"),
        ({"name": "Mine"}, "name", "cannot be proposed"),
        ({"maximum_requests": 9}, "maximum_requests", "cannot be proposed"),
        ({"signed": False}, "signed", "cannot be proposed"),
        ({"url": "https://169.254.169.254/latest"}, "url", "cannot be called"),
        ({"url": "https://compass.example/in?id={ActionId}"}, "", "changes nothing"),
    ],
)
def test_what_cannot_be_saved_is_refused_at_once(postback: Postback, changes: Any, key: str, says: str) -> None:
    problems = refused(postback, **changes)
    assert says in " ".join(problems[key])


def test_what_is_wrong_with_the_rest_of_the_postback_is_not_told(postback: Postback) -> None:
    Postback.objects.filter(pk=postback.pk).update(success_response="/(/")
    (told,) = refused(postback)[""]
    assert told.startswith("The postback itself has an error that only its operator can correct.")


def test_secrets_are_kept_encrypted_and_shown_to_nobody(secretive: Postback) -> None:
    proposal = proposal_for(secretive, secret_headers={"X-Key": MASK, "X-New": "n3w-s3cr3t"})
    stored = Proposal.objects.values_list("secrets", flat=True).get()["secret_headers"]
    assert stored[0] == ["X-Key", ""]
    assert decrypt(stored[1][1]) == "n3w-s3cr3t"
    assert shown(proposal) == {"secret_headers": {"X-Key": MASK, "X-New": MASK}}
    assert unsealed(proposal) == {"secret_headers": {"X-Key": MASK, "X-New": "n3w-s3cr3t"}}


@pytest.mark.parametrize(
    "url",
    [
        ELSEWHERE,
        "http://compass.example/in?id={ActionId}",
        "https://compass.example:8443/in?id={ActionId}",
        "https://compass.example.evil.example/in",
    ],
)
def test_what_was_given_for_one_receiver_is_given_again_for_another(secretive: Postback, url: str) -> None:
    """Scheme, host and port: each makes another receiver. Left out and masked are the same."""
    assert "headers" in refused(secretive, url=url)
    for secret in ({}, {"secret_headers": {"X-Key": MASK}}):
        told = refused(secretive, url=url, headers="X-Plain: yes", **secret)
        assert "Type it again" in told["secret_headers"][0]
    given = proposal_for(secretive, url=url, headers="X-Plain: yes", secret_headers={"X-Key": "s3cr3t-for-there"})
    assert set(given.values) | set(given.secrets) == {"url", "headers", "secret_headers"}


def test_the_same_receiver_keeps_its_secrets(secretive: Postback) -> None:
    proposal = proposal_for(secretive, url="https://COMPASS.example:443/v2?id={ActionId}")
    assert (set(proposal.values), proposal.secrets) == ({"url"}, {})


def test_a_later_proposal_supersedes_the_one_that_waits(postback: Postback) -> None:
    first = proposal_for(postback, secret_headers={"X-Key": "s3cr3t-once"})
    second = proposal_for(postback)
    first.refresh_from_db()
    assert (first.state, second.state) == ("superseded", "waiting")
    assert first.secrets == {"secret_headers": [["X-Key", ""]]}


def test_a_partner_withdraws_what_waits_and_nothing_else(postback: Postback) -> None:
    proposal = proposal_for(postback)
    assert withdraw(proposal)
    assert not withdraw(proposal)
    assert Proposal.objects.get().state == "withdrawn"


def test_nobody_floods_operators(postback: Postback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "MOST_A_DAY", 2)
    link = link_of(postback.owner, "propose")
    for number in range(2):
        propose(link, postback, {"url": f"https://compass.example/{number}"})
    with pytest.raises(WrongProposalError, match="2 changes of this postback have been proposed within a day"):
        propose(link, postback, {"url": "https://compass.example/3"})


def test_secrets_that_wait_are_encrypted_with_the_newest_key(postback: Postback, partner: Partner) -> None:
    proposal = proposal_for(postback, secret_headers={"X-Key": "s3cr3t", "X-Other": "0ther"})
    before = proposal.secrets["secret_headers"]
    call_command("rotate_secrets")
    proposal.refresh_from_db()
    after = proposal.secrets["secret_headers"]
    assert [name for name, _ in after] == ["X-Key", "X-Other"]
    assert all(new[1] != old[1] and decrypt(new[1]) == decrypt(old[1]) for new, old in zip(after, before, strict=True))
