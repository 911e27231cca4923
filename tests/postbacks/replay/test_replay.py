"""Replay: what is selected, what follows it, in which order it goes, and that it may be stopped at any moment."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from actions.models import Action, ActionEvent
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, InAppEvent, Partner
from postbacks.lifecycle import delete_postback
from postbacks.matching import fires
from postbacks.models import Delivery, Postback, Replay, ReplayItem
from postbacks.replay import feed
from postbacks.replay.feed import Driver
from postbacks.replay.names import UnknownNameError, selection_of
from postbacks.replay.plan import NothingMatchedError, plan, start
from postbacks.replay.selection import Selection, candidates
from tests.support.bulk import make_due_deliveries
from tests.support.delivery_rows import engine_connection
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
    make_tracker,
    record_action,
    record_change,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

URL = "http://receiver.example/in?a={ActionId}&s={Status}&amount={Amount}&id={DeliveryId}"


@pytest.fixture
def sales(tracker: ActionTracker, partner: Partner) -> Postback:
    return make_postback(tracker, partner, name="Sales", url=URL)


def sale(tracker: ActionTracker, partner: Partner, amount: str = "100.00", **fields: Any) -> ActionEvent:
    items = [{"Sku": "A", "Quantity": 1, "SubTotal": amount}]
    return record_action(tracker, partner, CurrencyCode="USD", Items=items, **fields)


def reverse(event: ActionEvent) -> ActionEvent:
    return record_change(event, "reversed")


def finish(state: str = "delivered", **of: Any) -> None:
    """As the engine would have left them."""
    Delivery.objects.filter(**of).update(state=state, finished_at=timezone.now())


def run(*options: str) -> str:
    out = StringIO()
    call_command("replay_actions", *options, stdout=out, stderr=StringIO())
    return out.getvalue()


def replayed() -> list[tuple[int, int]]:
    """(postback, event) of the deliveries that replays made, in the order in which they go."""
    made = Delivery.objects.filter(replay__isnull=False).order_by("id")
    return list(made.values_list("postback_id", "event_id"))


def test_what_was_delivered_goes_again_as_it_was_known(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    events = [sale(tracker, partner) for _ in range(3)]
    finish()
    first = list(Delivery.objects.order_by("id").values_list("pk", flat=True))
    assert "all 3 were handed over" in run()
    again = Delivery.objects.filter(replay__isnull=False).order_by("id")
    assert replayed() == [(sales.pk, event.pk) for event in events]
    assert [(one.known_as, one.state, one.priority, one.parameters) for one in again] == [
        (known_as, "ready", Delivery.Priority.REPLAY, None) for known_as in first
    ]
    replay = Replay.objects.get()
    assert (replay.state, replay.planned, replay.made, replay.driver) == ("finished", 3, 3, None)
    assert not ReplayItem.objects.exists()

    finish()
    run()
    known = Delivery.objects.filter(replay__gt=replay.pk).order_by("id").values_list("known_as", flat=True)
    assert list(known) == first, "also the second time the receiver knows it by its first id"


def test_what_still_waits_is_left_alone(tracker: ActionTracker, partner: Partner, sales: Postback) -> None:
    sale(tracker, partner)
    with pytest.raises(CommandError, match="All 1 that match are still waiting to be sent"):
        run()
    assert Delivery.objects.count() == 1
    assert not Replay.objects.exists()


def test_a_dry_run_counts_and_shows_and_writes_nothing(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    other = make_postback(tracker, partner, name="Other", url="http://other.example/{ActionId}")
    created = sale(tracker, partner)
    reverse(created)
    finish()
    shown = run("--event-kind", "created", "--dry-run")
    assert f"4 deliveries:\n  {sales} ({sales.pk}): 1 that match, and 1 later ones again" in shown
    assert f"  {other} ({other.pk}): 1 that match, and 1 later ones again" in shown
    delivery = Delivery.objects.get(postback=sales, event=created)
    url = f"http://receiver.example/in?a={created.action.action_id}&s=PENDING&amount=100.00&id={delivery.sent_as}"
    assert f"GET {url}\n" in shown
    assert "this was a dry run" in shown
    assert (Replay.objects.count(), ReplayItem.objects.count(), Delivery.objects.count()) == (0, 0, 4)


def test_a_replayed_creation_does_not_revive_a_reversed_order(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    created = sale(tracker, partner)
    reversal = reverse(created)
    finish()
    run("--event-kind", "created")
    assert replayed() == [(sales.pk, created.pk), (sales.pk, reversal.pk)]
    states = Delivery.objects.filter(replay__isnull=False).order_by("id").values_list("state", flat=True)
    assert list(states) == ["ready", "blocked"], "one after the other"


def test_exact_sends_only_what_matches(tracker: ActionTracker, partner: Partner, sales: Postback) -> None:
    created = sale(tracker, partner)
    reverse(created)
    finish()
    run("--event-kind", "created", "--exact")
    assert replayed() == [(sales.pk, created.pk)]


def test_later_events_that_were_not_delivered_do_not_follow(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    created = sale(tracker, partner)
    reversal = reverse(created)
    finish(event=created)
    finish("failed", event=reversal)
    run("--event-kind", "created")
    assert replayed() == [(sales.pk, created.pk)]


def test_an_event_recorded_after_the_plan_goes_again_behind_it(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    created = sale(tracker, partner)
    finish()
    replay = start(Selection(), described="everything")
    reversal = reverse(created)
    finish(event=reversal)
    driver = Driver(replay.pk)
    assert driver.take()
    driver.drive()
    assert replayed() == [(sales.pk, created.pk), (sales.pk, reversal.pk)]
    replay.refresh_from_db()
    assert (replay.planned, replay.made, replay.state) == (2, 2, "finished")


def test_a_live_event_that_waits_is_followed_by_the_replayed_one_and_goes_again(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    created = sale(tracker, partner)
    finish()
    reversal = reverse(created)
    run("--event-kind", "created")
    assert replayed() == [(sales.pk, created.pk), (sales.pk, reversal.pk)]
    unfinished = Delivery.objects.filter(state__in=Delivery.UNFINISHED).order_by("id")
    assert [one.state for one in unfinished] == ["ready", "blocked", "blocked"]


def test_present_values_are_the_actions_with_the_events_deltas(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    created = sale(tracker, partner, "100.00")
    record_change(created, "modified", Items=[{"Sku": "A", "SubTotal": "70.00"}])
    finish()
    run("--event-kind", "created", "--exact", "--values", "current")
    again = Delivery.objects.get(replay__isnull=False)
    assert again.known_as is None, "other content, so another id"
    assert again.parameters is not None
    assert (again.parameters["Amount"], again.parameters["DeltaAmount"]) == ("70.00", "100.00")
    assert again.event.parameters["Amount"] == "100.00"


def test_to_postback_sends_old_events_to_a_new_postback(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    stranger = make_partner()
    make_term(tracker, stranger)
    events = [sale(tracker, partner), sale(tracker, partner)]
    sale(tracker, stranger)
    late = make_postback(tracker, partner, name="Late", url=URL)
    run("--to-postback", "late")
    assert replayed() == [(late.pk, event.pk) for event in events]
    assert set(Delivery.objects.filter(postback=late).values_list("known_as", flat=True)) == {None}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--partner", "compass"], "s1 s2 s3"),
        (["--media-source", "Clicks"], "n1 n2 n3 n4"),
        (["--partner", "Compass", "--media-source", "Clicks"], "s1 s2 s3 n1 n2 n3 n4"),
        (["--postback", "Other program"], "o"),
        (["--program", "Second"], "o"),
        (["--action-tracker", "Online Sale"], "s1 s2 s3 n1 n2 n3 n4"),
        (["--order-id", "order-1"], "s1 s3 n1 n3"),
        (["--order-id", "order-1", "--order-id", "order-2"], "s1 s2 s3 n1 n2 n3"),
        (["--event-kind", "reversed"], "s3 n3"),
        (["--status", "pending", "--partner", "Compass"], "s2"),
        (["--status", "REVERSED", "--event-kind", "created", "--exact"], "s1 n1"),
        (["--since", "2020-01-01T00:00+00:00", "--until", "2020-12-31"], "s2 n2"),
        (["--until", "2020-06-01"], "s2 n2"),
        (["--until", "2020-05-31", "--partner", "Compass"], ""),
        (["--since", "2020-06-02", "--partner", "Compass"], "s1 s3"),
        (["--failed-only"], "s2 n4"),
        (["--failed-only", "--partner", "Compass"], "s2"),
        (["--never-delivered", "--media-source", "Clicks"], "n4"),
    ],
    ids=lambda each: each if isinstance(each, str) else " ".join(each),
)
def test_filters_alone_and_combined(
    tracker: ActionTracker, partner: Partner, sales: Postback, options: list[str], expected: str
) -> None:
    network = make_media_source(name="Clicks")
    other_tracker = make_tracker(make_program(name="Second"), name="Lead")
    everything = make_postback(tracker, network, name="All", url=URL)
    other = make_postback(other_tracker, network, name="Other program", url=URL)
    make_postback(other_tracker, network, name="Gone", url=URL)
    first = sale(tracker, partner, OrderId="order-1")
    second = sale(tracker, partner, OrderId="order-2")
    third = reverse(first)
    fourth = record_action(tracker, OrderId="order-4")
    of_other = record_action(other_tracker)
    delete_postback(Postback.objects.get(name="Gone"))
    ActionEvent.objects.filter(pk=second.pk).update(recorded_at="2020-06-01T12:00:00Z")
    finish()
    finish("failed", event=second, postback=sales)
    finish("failed", event=fourth)
    if "Clicks" in options and len(options) == 2:
        other.media_source = make_media_source(name="Elsewhere")
        Postback.objects.filter(pk=other.pk).update(media_source=other.media_source)
    if "--media-source" in options and "--partner" in options:
        Postback.objects.filter(pk=other.pk).update(media_source=make_media_source(name="Elsewhere"))
    if "--never-delivered" in options:
        finish(postback=other)
    known = {
        (sales.pk, first.pk): "s1",
        (sales.pk, second.pk): "s2",
        (sales.pk, third.pk): "s3",
        (everything.pk, first.pk): "n1",
        (everything.pk, second.pk): "n2",
        (everything.pk, third.pk): "n3",
        (everything.pk, fourth.pk): "n4",
        (other.pk, of_other.pk): "o",
    }
    if not expected:
        with pytest.raises(CommandError, match="Widen them"):
            run(*options)
        return
    run(*options)
    assert sorted(known[one] for one in replayed()) == sorted(expected.split())


def test_one_action_by_its_id(tracker: ActionTracker, partner: Partner, sales: Postback) -> None:
    event, _ = sale(tracker, partner), sale(tracker, partner)
    finish()
    run("--action", event.action.action_id)
    assert replayed() == [(sales.pk, event.pk)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--partner", "Compas"],
            r"--partner: there is no partner “Compas”. Did you mean Compass \(\d+\)",
        ),
        (["--program", "999999"], "--program: there is no program “999999”."),
        (["--action", "1.2.3"], "--action: there is no action 1.2.3. Ids look like 1000.2001.158133."),
        (["--order-id", "nonsense"], "--order-id: no action has the order id nonsense."),
        (
            ["--event-kind", "locked"],
            "--event-kind: locked is unknown. Choose from created, modified, reversed, restored.",
        ),
        (["--status", "PAID"], "--status: PAID is unknown. Choose from PENDING, APPROVED, REVERSED."),
        (["--since", "yesterday"], "--since: write yesterday as 2026-11-24"),
        (["--until", "2026-02-31"], "--until: 2026-02-31 does not exist"),
        (["--to-postback", "Sales", "--partner", "Compass"], "--to-postback already names the postback"),
        (["--failed-only"], "has failed since it was last delivered"),
        (["--never-delivered"], "All 1 that match were delivered"),
        (["--rate", "0"], "--rate must be a whole number from 1"),
        (["--resume", "12345"], "There is no replay 12345"),
        (["--cancel", "12345"], "There is no replay 12345"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_say_what_is_wrong_and_what_to_do(
    tracker: ActionTracker, partner: Partner, sales: Postback, options: list[str], message: str
) -> None:
    sale(tracker, partner)
    finish()
    with pytest.raises(CommandError, match=message):
        run(*options)
    assert replayed() == []


def test_many_are_asked_about(tracker: ActionTracker, partner: Partner, sales: Postback) -> None:
    make_due_deliveries(tracker, [sales], 101)
    finish()
    with pytest.raises(CommandError, match="This would send 101 deliveries, and there is no terminal to confirm it"):
        run()
    assert replayed() == []
    run("--yes")
    assert len(replayed()) == 101


def test_a_rate_spreads_the_deliveries_and_feeds_no_further_ahead(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    make_due_deliveries(tracker, [sales], 30)
    finish()
    replay = start(Selection(), described="everything", rate=5)
    driver = Driver(replay.pk)
    assert driver.take()
    assert (driver.step(), driver.step()) == (10, 0), "two seconds' worth"
    due = list(Delivery.objects.filter(replay=replay).order_by("id").values_list("due_at", flat=True))
    assert {later - earlier for earlier, later in itertools.pairwise(due)} == {timedelta(seconds=0.2)}
    finish(pk__in=Delivery.objects.filter(replay=replay).order_by("id")[:4])
    assert driver.step() == 4
    more = list(Delivery.objects.filter(replay=replay).order_by("id").values_list("due_at", flat=True))
    assert more[10] - more[9] == timedelta(seconds=0.2)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BATCH", 10)


@pytest.mark.usefixtures("small_batches")
def test_a_driver_that_dies_is_followed_by_another(tracker: ActionTracker, partner: Partner, sales: Postback) -> None:
    make_due_deliveries(tracker, [sales], 45)
    finish()
    replay = start(Selection(), described="everything")
    dead, heir = Driver(replay.pk), Driver(replay.pk)
    assert dead.take()
    assert (dead.step(), dead.step()) == (10, 10)
    assert not heir.take(resume=True), "it may still live"
    feed.drive_for(1)
    assert len(replayed()) == 20
    Replay.objects.update(driven_until=timezone.now() - timedelta(seconds=1))
    feed.drive_for(10)
    assert dead.step() is None
    assert len(replayed()) == len(set(replayed())) == 45
    replay.refresh_from_db()
    assert (replay.state, replay.made, replay.planned) == ("finished", 45, 45)


@pytest.mark.usefixtures("small_batches")
def test_cancelled_and_resumed_each_delivery_is_sent_once(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    make_due_deliveries(tracker, [sales], 35)
    finish()
    replay = start(Selection(), described="everything")
    driver = Driver(replay.pk)
    assert driver.take()
    assert (driver.step(), driver.step()) == (10, 10)
    sent = Delivery.objects.filter(replay=replay).order_by("id")[:7]
    finish(pk__in=sent)
    assert "7 of 35 had been sent" in run("--cancel", str(replay.pk))
    assert driver.step() is None
    cancelled = Delivery.objects.filter(replay=replay, state="cancelled")
    assert {one.reason for one in cancelled} == {"The replay was cancelled."}
    assert (cancelled.count(), replay.items.count()) == (13, 28)
    feed.drive_for(1)
    assert Delivery.objects.filter(replay=replay, state="ready").count() == 0, "nobody drives what was cancelled"

    run("--resume", str(replay.pk))
    going = Delivery.objects.filter(replay=replay).exclude(state="cancelled")
    assert (going.count(), going.values("event_id").distinct().count()) == (35, 35)
    finish(pk__in=going)
    with pytest.raises(CommandError, match="nothing left to cancel"):
        run("--cancel", str(replay.pk))
    with pytest.raises(CommandError, match="is finished: all 35"):
        run("--resume", str(replay.pk))
    listed = run("--list")
    assert re.search(rf"{replay.pk} .*All handed over +35 +35 +35 +0 +0 +everything", listed)


def test_a_cancelled_replay_does_not_leave_live_events_behind(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    created = sale(tracker, partner)
    finish()
    replay = start(Selection(), described="everything")
    driver = Driver(replay.pk)
    assert driver.take()
    driver.drive()
    live = Delivery.objects.get(event=reverse(created))
    assert live.state == "blocked"
    assert feed.cancel(replay)
    live.refresh_from_db()
    assert live.state == "ready"


def test_a_postback_that_is_deleted_meanwhile_gets_nothing(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    sale(tracker, partner)
    finish()
    replay = start(Selection(), described="everything")
    delete_postback(sales)
    driver = Driver(replay.pk)
    assert driver.take()
    driver.drive()
    replay.refresh_from_db()
    assert (replayed(), replay.state, replay.planned, replay.made) == ([], "finished", 0, 0)


def test_an_action_that_is_being_reported_on_has_its_turn_later(
    tracker: ActionTracker, partner: Partner, sales: Postback
) -> None:
    busy, free = sale(tracker, partner), sale(tracker, partner)
    finish()
    replay = start(Selection(), described="everything")
    driver = Driver(replay.pk)
    assert driver.take()
    with engine_connection() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM actions_action WHERE id = %s FOR UPDATE", (busy.action_id,))
        assert driver.step() == 1
        assert replayed() == [(sales.pk, free.pk)]
        cursor.execute("COMMIT")
    driver.drive()
    assert replayed() == [(sales.pk, free.pk), (sales.pk, busy.pk)]


def test_a_selection_survives_its_row() -> None:
    selection = Selection(partners=(1, 2), order_ids=("A",), since=timezone.now(), failed_only=True, to_postback=7)
    assert Selection.from_json(selection.as_json()) == selection
    assert Selection.from_json(Selection().as_json()) == Selection()


def test_names_that_are_empty_select_all() -> None:
    assert selection_of({"partner": None, "since": "", "failed_only": False}) == Selection()
    with pytest.raises(UnknownNameError, match="There are none"):
        selection_of({"partner": ["X"]})


def test_nothing_at_all() -> None:
    with pytest.raises(NothingMatchedError, match="No postback has had a delivery"):
        plan(Selection())


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_to_postback_takes_what_live_matching_takes(data: st.DataObject) -> None:
    """The SQL against the function that live events go through."""
    partner, other = make_partner(), make_partner()
    network = make_media_source()
    mobile = data.draw(st.booleans())
    tracker = make_tracker(in_app_events=["INSTALL", "SIGN-UP"], kind="mobile_app") if mobile else make_tracker()
    for each in (partner, other):
        make_term(tracker, each)
    events = []
    for _ in range(4):
        fields: dict[str, Any] = {"EventCode": data.draw(st.sampled_from(["INSTALL", "SIGN-UP"]))} if mobile else {}
        event = record_action(tracker, data.draw(st.sampled_from([None, partner, other])), **fields)
        Action.objects.filter(pk=event.action_id).update(
            media_source_ids=data.draw(st.sampled_from([[], [network.pk], [network.pk + 1]]))
        )
        events.append(event)
        if data.draw(st.booleans()):
            events.append(reverse(event))
    owner: Partner | MediaSource = partner if data.draw(st.booleans()) else network
    in_app = list(InAppEvent.objects.filter(action_tracker=tracker)) if mobile else []
    postback = make_postback(
        tracker,
        owner,
        url=URL,
        event_trigger=data.draw(st.sampled_from(Postback.EventTrigger.values)),
        scope=data.draw(st.sampled_from(Postback.Scope.values)) if owner is network else "all",
        install=mobile and data.draw(st.booleans()),
        in_app_event=data.draw(st.sampled_from([None, *in_app])),
    )
    fresh = ActionEvent.objects.filter(action__action_tracker=tracker).select_related("action")
    loaded = Postback.objects.select_related("action_tracker", "in_app_event").get(pk=postback.pk)
    expected = {event.pk for event in fresh if fires(loaded, event)}
    text, parameters = candidates(Selection(to_postback=postback.pk))
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        assert {row[2] for row in cursor.fetchall()} == expected
