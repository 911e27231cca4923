"""Why a partner was told or not: on the page of the action and in the log; and sending it anyway."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from html import unescape
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from actions.models import Action, ActionEvent, Submission
from partners.models import ActionTracker, Partner
from postbacks.delivery.known_ids import sent_as
from postbacks.delivery_log.find import KNOWN_BY
from postbacks.delivery_log.history import entries_of
from postbacks.models import Delivery, Postback
from tests.browser.actors import Role, make_user
from tests.support.api import Caller
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_tracker,
    record_action,
    record_change,
    report_fields,
)

LOG = "/admin/postbacks/delivery/"
SEND = f"{LOG}send-anyway/"


@pytest.fixture
def silent(tracker: ActionTracker, partner: Partner) -> Postback:
    """A partner's, which fires on changes only."""
    return make_postback(tracker, partner, name="Changes", event_trigger="changes")


def text_of(client: Client, term: str, **query: Any) -> str:
    answer = client.get(LOG, {"q": term, **query})
    assert answer.status_code == 200
    return " ".join(unescape(answer.content.decode()).split())


def send(client: Client, event: ActionEvent, postback: Postback) -> Any:
    return client.post(SEND, {"event": event.pk, "postback": postback.pk})


@pytest.mark.django_db
class TestTheLog:
    def test_an_order_that_fired_nothing_says_why(self, root: Client, silent: Postback) -> None:
        event = record_action(silent.action_tracker, silent.partner, OrderId="SS-1", ClickId="Xy7")
        for term in ("SS-1", event.action.action_id, "Xy7"):
            text = text_of(root, term)
            assert "Its Event Trigger is Changes only; this event is created." in text
            assert f"Credited to {silent.partner}, whom the report named." in text
            assert "Send it anyway" in text

    def test_an_order_that_fired_shows_the_delivery_and_what_did_not_fire(self, root: Client, silent: Postback) -> None:
        make_postback(silent.action_tracker, silent.owner, name="Always")
        record_action(silent.action_tracker, silent.partner, OrderId="SS-1")
        (delivery,) = Delivery.objects.all()
        text = text_of(root, "SS-1")
        assert text.count(f'href="{LOG}{delivery.pk}/change/"') == 2  # In the table, and in the story.
        assert "Not fired" in text

    def test_only_what_was_sent_again_says_so(self, root: Client, postback: Postback) -> None:
        """Deliveries name themselves as soon as they were sent."""
        record_action(postback.action_tracker, postback.partner, OrderId="SS-1")
        first = Delivery.objects.get()
        Delivery.objects.filter(pk=first.pk).update(state="delivered", attempts_made=1, known_as=first.pk)
        assert "Sent again." not in text_of(root, "SS-1")
        root.post(f"{LOG}{first.pk}/resend/")
        assert text_of(root, "SS-1").count("Sent again.") == 1

    def test_a_number_of_a_delivery_tells_the_story_of_its_action(self, root: Client, postback: Postback) -> None:
        event = record_action(postback.action_tracker, postback.partner)
        Action.objects.filter(pk=event.action_id).update(order_id="SS-1")
        Delivery.objects.update(id=7_000_001)
        assert "order SS-1" in text_of(root, "7000001")

    def test_another_partner_that_is_filtered_for_hears_who_got_it(self, root: Client, postback: Postback) -> None:
        other = make_postback(postback.action_tracker, make_partner(name="Rhine"))
        record_action(postback.action_tracker, postback.partner, OrderId="SS-1")
        assert "The action is credited to" not in text_of(root, "SS-1")
        assert f"The action is credited to {postback.partner}" in text_of(root, "SS-1", partner=other.partner_id)

    def test_an_order_that_was_refused_says_so_with_its_submission(self, root: Client, tracker: ActionTracker) -> None:
        caller = Caller()
        fields = report_fields(tracker, OrderId="SS-9", CurrencyCode="nonsense")
        answer = caller.form("POST", "Conversions", **fields)
        assert answer.status_code == 400
        submission = Submission.objects.get()
        text = text_of(root, "SS-9")
        assert "No action, but a report" in text
        assert f'href="/admin/actions/submission/{submission.pk}/change/"' in text
        assert submission.reason_code in text
        assert submission.message[:20] in text
        viewer = Client()
        viewer.force_login(make_user(Role.VIEWER))
        text = text_of(viewer, "SS-9")
        assert submission.reason_code in text
        assert submission.message[:20] not in text

    def test_an_order_that_was_repeated_says_so(self, root: Client, tracker: ActionTracker, partner: Partner) -> None:
        caller = Caller()
        for _ in range(2):
            caller.form("POST", "Conversions", **report_fields(tracker, partner, OrderId="SS-9"))
        text = text_of(root, "SS-9")
        assert "CONV_DUPLICATE" in text
        assert [each.order_id for each in Submission.objects.all()] == ["SS-9", "SS-9"]

    def test_an_event_type_that_is_switched_off_refuses_and_says_so(self, root: Client, tracker: ActionTracker) -> None:
        tracker.active = False
        tracker.save()
        Caller().form("POST", "Conversions", **report_fields(tracker, OrderId="SS-9"))
        assert "ACTIONTRACKER_NOT_ACTIVE" in text_of(root, "SS-9")

    def test_an_order_that_was_never_reported_says_how_far_the_records_go(self, root: Client, settings: Any) -> None:
        settings.API_SUBMISSIONS_KEPT_DAYS = 45
        text = text_of(root, "SS-NONE")
        assert "“SS-NONE” is known: it was never reported, or under another id." in text
        assert "is kept 45 days; older ones are not known any more." in text
        assert "before they knew their orders" not in text
        Submission.objects.create(kind="conversion", result="rejected", order_id=None)
        assert "Some submissions are from before they knew their orders" in text_of(root, "SS-NONE")
        settings.API_SUBMISSIONS_KEPT_DAYS = settings.PERSONAL_DATA_KEPT_DAYS = 0
        assert "not known any more" not in text_of(root, "SS-NONE")

    def test_who_may_not_see_actions_or_networks_is_told_nothing_of_them(
        self, client: Client, silent: Postback
    ) -> None:
        network = make_postback(silent.action_tracker, make_media_source(name="Secret Ads"), event_trigger="changes")
        record_action(silent.action_tracker, silent.partner, OrderId="SS-1")
        user = User.objects.create_user("someone", is_staff=True)
        client.force_login(user)
        for codes, sees in ([["view_delivery"], (False, False)], [["view_delivery", "view_action"], (True, False)]):
            user.user_permissions.set(Permission.objects.filter(codename__in=codes))
            text = text_of(client, "SS-1")
            assert (silent.name in text, network.owner.name in text) == sees
            assert "Send it anyway" not in text

    def test_a_story_takes_the_same_queries_however_many_postbacks_there_are(
        self, root: Client, silent: Postback
    ) -> None:
        record_action(silent.action_tracker, silent.partner, OrderId="SS-1")

        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                text_of(root, "SS-1")
            return len(captured)

        text_of(root, "SS-1")
        few = queries()
        for number in range(8):
            make_postback(silent.action_tracker, make_media_source(), name=f"n{number}", event_trigger="changes")
            make_postback(make_tracker(), silent.owner, name=f"e{number}")
        assert queries() == few


@pytest.mark.django_db
class TestTheIdThatReceiversKnow:
    def known_as(self, delivery: Delivery) -> str:
        with connection.cursor() as cursor:
            text = f"SELECT {sent_as('d')} FROM postbacks_delivery d WHERE id = %s"  # noqa: S608 -- made of constants
            cursor.execute(text, [delivery.pk])
            (text,) = cursor.fetchone()
        return str(uuid.UUID(text))

    def found(self, client: Client, term: str) -> list[int]:
        return [row.delivery.pk for row in client.get(LOG, {"q": term}).context["page"].rows]

    def test_it_finds_the_delivery_before_and_after_its_first_attempt(self, root: Client, postback: Postback) -> None:
        record_action(postback.action_tracker, postback.partner)
        record_action(postback.action_tracker, postback.partner)
        delivery = Delivery.objects.latest("pk")
        known = self.known_as(delivery)
        assert self.found(root, known) == [delivery.pk]
        Delivery.objects.filter(pk=delivery.pk).update(attempts_made=1, known_as=delivery.pk)
        assert self.known_as(delivery) == known
        for written in (known, known.upper(), known.replace("-", ""), f" {known} "):
            assert self.found(root, written) == [delivery.pk]
        assert self.found(root, str(uuid.uuid4())) == []
        assert delivery.action.action_id in text_of(root, known)

    def test_one_that_was_sent_with_its_number_is_not_found_by_what_it_never_had(
        self, root: Client, postback: Postback
    ) -> None:
        record_action(postback.action_tracker, postback.partner)
        delivery = Delivery.objects.get()
        known = self.known_as(delivery)
        Delivery.objects.update(attempts_made=1)  # By an earlier release: it has not noted the number.
        assert self.found(root, known) == []
        assert self.found(root, str(delivery.pk)) == [delivery.pk]

    def test_an_index_finds_it(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {KNOWN_BY}", {"known_by": str(uuid.uuid4()), "nearby": 1, "limit": 1})
            assert "delivery_known_by" in "".join(line for (line,) in cursor.fetchall())
            cursor.execute(
                "EXPLAIN SELECT id FROM actions_submission WHERE order_id = %s AND order_id > '' ORDER BY id DESC",
                ["SS-1"],
            )
            assert "submission_order_id" in "".join(line for (line,) in cursor.fetchall())


@pytest.mark.django_db
class TestSendingAnyway:
    def test_it_makes_one_delivery_with_who_and_why(self, root: Client, silent: Postback) -> None:
        event = record_action(silent.action_tracker, silent.partner)
        answer = send(root, event, silent)
        (delivery,) = Delivery.objects.all()
        assert answer.url == f"{LOG}{delivery.pk}/change/"
        assert (delivery.event, delivery.postback, delivery.state) == (event, silent, Delivery.State.READY)
        assert delivery.priority == Delivery.Priority.REPLAY
        assert delivery.known_by is not None
        (entry,) = entries_of(delivery)
        assert entry.by == "administrator"
        assert entry.text.endswith("Its Event Trigger is Changes only; this event is created.")
        assert send(root, event, silent).url == f"{LOG}{delivery.pk}/change/"  # Clicked twice.
        assert Delivery.objects.count() == 1

    def test_it_stands_behind_what_waits_of_its_action(self, root: Client, silent: Postback) -> None:
        created = record_action(silent.action_tracker, silent.partner, Amount="10")
        record_change(created, "modified", Amount="5")
        modified = Delivery.objects.get()
        send(root, created, silent)
        assert Delivery.objects.latest("pk").state == Delivery.State.BLOCKED
        assert Delivery.objects.get(pk=modified.pk).state == Delivery.State.READY

    @pytest.mark.parametrize(
        "other",
        [
            lambda postback: make_postback(postback.action_tracker, make_partner()),
            lambda postback: make_postback(make_tracker(), postback.partner),
            lambda postback: make_postback(postback.action_tracker, postback.partner, deleted_at="2026-01-01T00:00Z"),
        ],
        ids=["another partner's", "another event type", "deleted"],
    )
    def test_what_concerns_another_is_not_sent(
        self, root: Client, silent: Postback, other: Callable[[Postback], Postback]
    ) -> None:
        event = record_action(silent.action_tracker, silent.partner)
        answer = send(root, event, other(silent))
        assert answer.url == f"/admin/actions/action/{event.action_id}/change/"
        assert not Delivery.objects.exists()

    def test_events_that_fire_nothing_are_not_sent(self, root: Client, silent: Postback) -> None:
        event = record_action(silent.action_tracker, silent.partner)
        ActionEvent.objects.filter(pk=event.pk).update(kind="locked")
        send(root, event, silent)
        assert not Delivery.objects.exists()

    @pytest.mark.parametrize(("role", "may"), [(Role.VIEWER, False), (Role.OPERATOR, True)], ids=["viewer", "operator"])
    def test_it_takes_the_right_to_resend(self, client: Client, silent: Postback, role: Role, *, may: bool) -> None:
        event = record_action(silent.action_tracker, silent.partner, OrderId="SS-1")
        client.force_login(make_user(role))
        assert ("Send it anyway" in text_of(client, "SS-1")) is may
        assert send(client, event, silent).status_code == (302 if may else 403)
        assert Delivery.objects.exists() is may
        assert client.get(SEND).status_code == 405

    def test_a_network_takes_the_right_to_see_networks(self, client: Client, tracker: ActionTracker) -> None:
        network = make_postback(tracker, make_media_source(), event_trigger="changes")
        event = record_action(tracker)
        user = User.objects.create_user("someone", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=["view_delivery", "change_delivery"]))
        client.force_login(user)
        assert send(client, event, network).headers["Location"] == LOG
        user.user_permissions.add(Permission.objects.get(codename="view_mediasource"))
        assert send(client, event, network).status_code == 302
        assert Delivery.objects.get().postback == network


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_send_once(root: Client, silent: Postback) -> None:
    event = record_action(silent.action_tracker, silent.partner)

    def click() -> None:
        client = Client()
        client.cookies = root.cookies
        send(client, event, silent)
        connection.close()

    clicks = [Thread(target=click) for _ in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert Delivery.objects.count() == 1
