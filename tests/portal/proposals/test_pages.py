"""Proposing on the portal's pages: the form, its preview and test, what became of it, taking it back."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from django.contrib.auth.models import User

from partners.models import Partner
from portal.models import PartnerLink, Proposal
from portal.proposals.deciding import refuse
from portal.proposals.telling import what_changes
from postbacks.credentials.secrets.cipher import encrypt
from postbacks.models import Postback
from tests.portal.opened import make_link, opened, press
from tests.support.proposals import proposal_for
from tests.support.receiver import ScriptedReceiver
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db


def typed(postback: Postback, **fields: str) -> dict[str, str]:
    """The form as it is shown, with other content in some fields."""
    return {"url": postback.url, "headers": "", "secret_headers": "", "note": "", **fields}


def test_a_change_is_proposed_and_its_end_is_shown(link: PartnerLink, postback: Postback) -> None:
    client, form = opened(link), f"/portal/postbacks/{postback.pk}/propose/"
    assert postback.url in client.get(form).content.decode()
    gone = press(client, form, propose="", **typed(postback, url="https://new.example/in", note="From Monday."))
    assert gone.headers["Location"] == f"/portal/postbacks/{postback.pk}/?done=proposed#proposals"
    page = client.get(gone.headers["Location"]).content.decode()
    assert "Nothing changes until we have approved it." in page
    assert "Withdraw" in page
    proposal = Proposal.objects.get()
    assert (proposal.note, proposal.link) == ("From Monday.", link)
    assert what_changes(proposal) == "URL"  # The form sends its other fields as well.
    refuse(proposal.pk, User.objects.create_user("olga"), "Use the old one.")
    page = client.get(f"/portal/postbacks/{postback.pk}/").content.decode()
    assert "We write: Use the old one." in page
    assert "Withdraw" not in page
    assert "olga" not in page


def test_what_is_wrong_is_said_and_what_was_typed_stays(link: PartnerLink, postback: Postback) -> None:
    client, form = opened(link), f"/portal/postbacks/{postback.pk}/propose/"
    for fields, says in (
        ({"url": "https://new.example/{Nonsense}"}, "Unknown parameter {Nonsense}"),
        ({"secret_headers": "no colon"}, "the colon is missing"),
        ({"secret_headers": "A: x\nA: y"}, "A name is given twice"),
        ({}, "This changes nothing"),
    ):
        page = press(client, form, propose="", **typed(postback, **fields)).content.decode()
        assert says in page
        assert all(each.splitlines()[0] in page for each in fields.values())
    assert not Proposal.objects.exists()


def test_a_test_takes_no_stored_secret_elsewhere(link: PartnerLink, postback: Postback, settings: Any) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    postback.secret_headers = [["X-Key", encrypt("s3cr3t-of-old")]]
    postback.save()
    client, form = opened(link), f"/portal/postbacks/{postback.pk}/propose/"
    with ScriptedReceiver() as receiver:
        there = f"http://127.0.0.1:{receiver.port}/in?id={{ActionId}}"
        for what in ("preview", "test", "propose"):
            kept = typed(postback, url=there, secret_headers=f"X-Key: {MASK}")
            assert "Type it again" in press(client, form, **{what: ""}, **kept).content.decode()
        given = typed(postback, url=there, secret_headers="X-Key: s3cr3t-there")
        page = press(client, form, test="", **given).content.decode()
        (arrival,) = receiver.wait_for(1, timeout=10)
    assert "What you answered" in page
    assert f"X-Key: {MASK}" in page
    assert "s3cr3t-there" in str(arrival.headers)
    assert "s3cr3t-of-old" not in page + str(arrival)


def test_only_a_link_with_the_right_proposes_and_withdraws(partner: Partner, postback: Postback) -> None:
    proposal = proposal_for(postback)
    reader = opened(make_link(partner, rights=["test", "resend", "pause", "rotate"]))
    assert reader.get(f"/portal/postbacks/{postback.pk}/propose/").status_code == 403
    assert press(reader, f"/portal/proposals/{proposal.pk}/withdraw/").status_code == 403
    page = reader.get(f"/portal/postbacks/{postback.pk}/").content.decode()
    assert "Waiting" in page
    assert "Propose a change" not in page
    writer = opened(make_link(partner, rights=["propose"]))
    press(writer, f"/portal/proposals/{proposal.pk}/withdraw/")
    assert Proposal.objects.get().state == "withdrawn"


def test_anothers_proposal_is_not_there(link: PartnerLink, postback: Postback, others: Postback) -> None:
    Postback.objects.filter(pk=others.pk).update(url="https://meridian.example/in?id={ActionId}")
    others.refresh_from_db()
    proposal = proposal_for(others)
    client = opened(link)
    theirs = press(client, f"/portal/proposals/{proposal.pk}/withdraw/")
    nothing = press(client, "/portal/proposals/987654321/withdraw/")
    assert (theirs.status_code, theirs.content) == (404, nothing.content)
    assert Proposal.objects.get().state == "waiting"
