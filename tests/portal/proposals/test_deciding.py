"""An operator compares, tries, approves or refuses what a partner proposes."""

from __future__ import annotations

import threading
from ipaddress import IPv4Network
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.audit.words import history_of
from accounts.roles.table import Role
from accounts.roles.users import create_user
from partners.models import ActionTracker, Partner
from partners.opened_with import read_opened
from portal.models import Proposal
from portal.proposals.deciding import DecidedError, approve
from portal.proposals.standing import standing_of
from postbacks.credentials.secrets.cipher import decrypt, encrypt
from postbacks.lifecycle import delete_postback, pause
from postbacks.models import Postback
from tests.support.factories import make_media_source, make_postback, record_action
from tests.support.proposals import link_of, proposal_for
from tests.support.receiver import Arrival, Response, ScriptedReceiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    create_user("olga", Role.OPERATOR)
    client.force_login(User.objects.get(username="olga"))
    return client


def url(proposal: Proposal, page: str = "change") -> str:
    return reverse(f"admin:portal_proposal_{page}", args=(proposal.pk,))


def decide(client: Client, proposal: Proposal, how: str, **fields: Any) -> Any:
    shown = client.get(url(proposal)).context["opened_with"]
    return client.post(url(proposal, how), {"opened_with": str(shown), **fields}, follow=True)


def test_approving_changes_the_postback_and_tells_the_partner(operator: Client, postback: Postback) -> None:
    link = link_of(postback.owner, "propose", email="engineer@compass.example")
    there = "https://there.example/in?id={ActionId}"
    proposal = proposal_for(postback, link=link, url=there, secret_headers={"X-Key": "s3cr3t-there"})

    page = decide(operator, proposal, "approve", reason="Thank you.").content.decode()

    postback.refresh_from_db()
    proposal.refresh_from_db()
    assert postback.url == there
    assert decrypt(postback.secret_headers[0][1]) == "s3cr3t-there"
    assert (proposal.state, str(proposal.decided_by), proposal.reason) == ("approved", "olga", "Thank you.")
    assert "The partner is told by e-mail" in page
    assert "s3cr3t" not in page
    (message,) = mail.outbox
    assert (message.to, message.subject.startswith("Your proposal for Sales was approved")) == ([link.email], True)
    assert "Thank you." in message.body
    told = history_of(postback)
    said = f"Changed as {proposal.author} proposed: proposal {proposal.pk}, approved"
    assert [(each.by, each.what) for each in told[:2]] == [("olga", said), ("olga", "Changed")]
    assert "s3cr3t" not in str(list(LogEntry.objects.values_list("changes", flat=True)))


def test_refusing_takes_a_reason_and_changes_nothing(operator: Client, postback: Postback) -> None:
    link = link_of(postback.owner, "propose", email="engineer@compass.example")
    proposal, before = proposal_for(postback, link=link), postback.url
    assert "write a reason" in decide(operator, proposal, "refuse", reason=" ").content.decode()
    proposal.refresh_from_db()
    assert proposal.state == "waiting"

    decide(operator, proposal, "refuse", reason="Use HTTPS.")

    postback.refresh_from_db()
    proposal.refresh_from_db()
    assert (proposal.state, proposal.reason, postback.url) == ("refused", "Use HTTPS.", before)
    assert "Use HTTPS." in mail.outbox[0].body


def test_mail_that_fails_takes_nothing_back_and_is_said(operator: Client, postback: Postback, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # Nobody listens there.
    proposal = proposal_for(postback, link=link_of(postback.owner, "propose", email="engineer@compass.example"))
    page = decide(operator, proposal, "approve").content.decode()
    proposal.refresh_from_db()
    assert proposal.state == "approved"
    assert "could not be told by e-mail" in page


def test_a_postback_that_changed_while_the_page_was_open_is_asked_about_again(
    operator: Client, postback: Postback
) -> None:
    proposal = proposal_for(postback)
    seen = str(operator.get(url(proposal)).context["opened_with"])
    postback.success_response = "200"
    postback.save()

    asked = operator.post(url(proposal, "approve"), {"opened_with": seen, "reason": "Fine."})

    proposal.refresh_from_db()
    assert (asked.status_code, proposal.state) == (200, "waiting")
    assert "has been changed since you opened this page" in asked.content.decode()
    assert "Success Response" in asked.content.decode()
    again = {"opened_with": str(asked.context["opened_with"]), "reason": asked.context["reason"]}
    operator.post(url(proposal, "approve"), again)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.reason) == ("approved", "Fine.")


def test_a_request_that_says_nothing_of_what_it_saw_approves_nothing(operator: Client, postback: Postback) -> None:
    proposal = proposal_for(postback)
    operator.post(url(proposal, "approve"), {})
    proposal.refresh_from_db()
    assert proposal.state == "waiting"


def test_pausing_is_no_change_of_what_is_sent(operator: Client, postback: Postback) -> None:
    proposal = proposal_for(postback)
    seen = str(operator.get(url(proposal)).context["opened_with"])
    pause(postback)
    operator.post(url(proposal, "approve"), {"opened_with": seen})
    proposal.refresh_from_db()
    assert proposal.state == "approved"


def test_a_change_since_the_proposal_is_shown(operator: Client, postback: Postback) -> None:
    proposal = proposal_for(postback)
    text = "has been changed since this was proposed"
    assert text not in operator.get(url(proposal)).content.decode()
    postback.url = "https://compass.example/other"
    postback.save()
    assert text in operator.get(url(proposal)).content.decode()


def test_secrets_of_before_do_not_go_where_the_postback_has_moved_meanwhile(
    operator: Client, postback: Postback
) -> None:
    """The proposal keeps the stored secret, and the URL that it was given for is another by now."""
    postback.secret_headers = [["X-Key", encrypt("s3cr3t-of-old")]]
    postback.save()
    proposal = proposal_for(postback)
    postback.url, postback.secret_headers = "https://moved.example/", [["X-Key", encrypt("s3cr3t-of-new")]]
    postback.save()

    page = decide(operator, proposal, "approve").content.decode()

    postback.refresh_from_db()
    assert (postback.url, Proposal.objects.get().state) == ("https://moved.example/", "waiting")
    assert "This cannot be approved now" in page
    assert "Type it again" in page


def test_a_deleted_postback_is_not_changed(operator: Client, postback: Postback) -> None:
    proposal, before = proposal_for(postback), postback.url
    delete_postback(postback)
    decide(operator, proposal, "approve")
    postback.refresh_from_db()
    assert (postback.url, Proposal.objects.get().state) == (before, "waiting")


def test_what_is_decided_stays_decided(operator: Client, postback: Postback) -> None:
    proposal = proposal_for(postback)
    decide(operator, proposal, "refuse", reason="No.")
    seen = str(standing_of(postback))
    page = operator.post(url(proposal, "approve"), {"opened_with": seen}, follow=True).content.decode()
    assert "it is refused already" in page
    operator.post(url(proposal, "refuse"), {"reason": "Twice."})
    operator.post(url(proposal, "test"), {})
    proposal.refresh_from_db()
    assert (proposal.state, proposal.reason) == ("refused", "No.")


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_change_it_once(postback: Postback) -> None:
    proposal, user = proposal_for(postback), User.objects.create_user("olga")
    seen = read_opened(str(standing_of(Postback.objects.get(pk=postback.pk))))
    assert seen is not None
    both, came = threading.Barrier(2), list[str]()

    def one() -> None:
        both.wait()
        try:
            approve(proposal.pk, user, seen)
            came.append("approved")
        except DecidedError:
            came.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(came) == ["approved", "too late"]
    changed = LogEntry.objects.get_for_object(postback).filter(changes__has_key="url", action=LogEntry.Action.UPDATE)
    assert changed.count() == 1


def test_new_values_are_named_personal_ones_first(operator: Client, postback: Postback, tracker: ActionTracker) -> None:
    postback.method, postback.body_format = "POST", "json"
    postback.body_pairs = [["email", "{CustomerEmail}"]]
    postback.save()
    more = "https://compass.example/in?id={ActionId}&t={if(CustomerCity empty, Oid, PromoCode)}&m={CustomerEmail}"
    more += '&i={join(items, i, "{i.sku}", ",")}'
    page = operator.get(url(proposal_for(postback, url=more)))
    found = [(each.name, each.personal) for each in page.context["new_values"]]
    assert found == [("CustomerCity", True), ("Oid", False), ("PromoCode", False), ("items.sku", False)]
    assert '<li class="pp-wrong"><code>CustomerCity</code> <strong>personal data' in page.content.decode()

    tracker.hidden_parameters = ["CustomerCity"]
    tracker.save()
    again = operator.get(url(Proposal.objects.get()))
    assert [each.name for each in again.context["new_values"]] == ["Oid", "PromoCode", "items.sku"]


def test_both_requests_are_shown_with_the_latest_event(
    operator: Client, postback: Postback, tracker: ActionTracker, partner: Partner
) -> None:
    event = record_action(tracker, partner)
    proposal = proposal_for(postback)
    page = operator.get(url(proposal))
    wanted = f"https://compass.example/in?id={event.action.action_id}"
    assert page.context["current"].request.url == wanted
    assert page.context["proposed"].request.url == f"{wanted}&v=2"
    samples = operator.get(url(proposal), {"action": ""})
    assert samples.context["proposed"].event == "Sample values"


def test_a_viewer_sees_no_values_of_actions_and_decides_nothing(
    client: Client, postback: Postback, tracker: ActionTracker, partner: Partner
) -> None:
    event = record_action(tracker, partner)
    create_user("victor", Role.VIEWER)
    client.force_login(User.objects.get(username="victor"))
    proposal = proposal_for(postback)
    page = client.get(url(proposal), {"action": event.action.action_id})
    assert page.context["current"].event == "Sample values"
    assert "Approve" not in page.content.decode()
    for how in ("approve", "refuse", "test"):
        assert client.post(url(proposal, how), {"reason": "x"}).status_code == 403


def test_a_test_goes_to_the_proposed_receiver_with_sample_values_and_no_stored_secret(
    operator: Client, postback: Postback, tracker: ActionTracker, partner: Partner, settings: Any
) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    event = record_action(tracker, partner)
    postback.secret_headers = [["X-Key", encrypt("s3cr3t-of-old")]]
    postback.save()

    def echo(arrival: Arrival) -> Response:
        return Response(200, body=str(arrival.headers).encode())

    with ScriptedReceiver(echo) as receiver:
        there = f"http://127.0.0.1:{receiver.port}/in?id={{ActionId}}"
        proposal = proposal_for(postback, url=there, secret_headers={"X-Key": "s3cr3t-there"})
        page = operator.post(url(proposal, "test"), {"action": event.action.action_id})
        (arrival,) = receiver.wait_for(1, timeout=10)
    assert {name.lower(): each for name, each in arrival.headers.items()}["x-key"] == "s3cr3t-there"
    assert arrival.query["id"] != event.action.action_id
    assert page.context["answer"]["success"]
    assert "s3cr3t" not in page.content.decode()
    assert "s3cr3t-of-old" not in str(arrival)


def test_the_dashboard_and_the_list_show_what_waits(operator: Client, postback: Postback) -> None:
    assert "Proposals: " not in operator.get("/admin/").content.decode()
    proposal = proposal_for(postback)
    page = operator.get("/admin/").content.decode()
    assert "Proposals: 1 change waits for approval" in page
    assert url(proposal) in page
    listed = operator.get(reverse("admin:portal_proposal_changelist"), {"state__exact": "waiting", "q": "Sales"})
    assert list(listed.context["cl"].result_list) == [proposal]


def test_networks_are_a_permission_of_their_own(client: Client, tracker: ActionTracker) -> None:
    network = make_media_source()
    proposal = proposal_for(make_postback(tracker, network, url="https://network.example/in?id={ActionId}"))
    user = User.objects.create_user("nora", is_staff=True)
    names = ("view_proposal", "change_proposal", "change_postback", "view_delivery")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    assert client.get(url(proposal)).status_code == 404
    assert client.post(url(proposal, "approve"), {"opened_with": "x.1"}).status_code == 404
    assert "Proposals: " not in client.get("/admin/").content.decode()
