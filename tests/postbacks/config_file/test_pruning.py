"""What a configuration file does not name: left alone, or deleted with `--prune`."""

from pathlib import Path

import pytest

from partners.models import ActionTracker, Partner, Program
from postbacks.models import Delivery, Postback
from tests.support.config_files import ROWS, count_rows, edited, load, problems
from tests.support.factories import record_action

pytestmark = pytest.mark.django_db


def test_pruning_the_term_of_a_postback_is_refused(tmp_path: Path) -> None:
    load(tmp_path)
    text = edited('          - {action_tracker: 51, payout: "7.5%", monthly_payout_limit: "900"}\n', "")

    assert load(tmp_path, text).endswith("unchanged.\n")
    assert "holds the event type Shop order (51)" in problems(tmp_path, text, "--prune")[0]
    assert count_rows() == ROWS


def test_without_prune_nothing_is_removed(tmp_path: Path) -> None:
    load(tmp_path)

    assert load(tmp_path, "{}") == "Nothing to change: 0 unchanged.\n"
    assert count_rows() == ROWS


def test_prune_deletes_what_the_file_does_not_name(tmp_path: Path) -> None:
    load(tmp_path)
    text = "programs: [{id: 50, name: Lakeside Tents, currency: USD, action_trackers: [{id: 51, name: Shop order}]}]"

    dry = load(tmp_path, text, "--prune", "--dry-run")
    assert count_rows() == ROWS
    printed = load(tmp_path, text, "--prune")

    assert "- postback “orders” of Pine Weekly (60)" in printed.splitlines()
    assert printed.splitlines()[-1] == f"0 created, 1 changed, {ROWS - 2} deleted, 1 unchanged."
    assert dry.splitlines()[:-1] == printed.splitlines()[:-1]
    assert count_rows() == 2
    assert load(tmp_path, text, "--prune") == "Nothing to change: 2 unchanged.\n"


def test_prune_keeps_what_is_needed_and_says_so(tmp_path: Path) -> None:
    load(tmp_path)
    record_action(ActionTracker.objects.get(pk=51), Partner.objects.get(pk=60), EventDate="2026-06-01T00:00:00Z")

    printed = load(tmp_path, "{}", "--prune").splitlines()

    assert "Kept program Lakeside Tents (50): it is used by event types, contracts, actions." in printed
    assert any(line.startswith("Kept contract term for Shop order (51) of Pine Weekly (60)") for line in printed)
    assert set(Program.objects.values_list("pk", flat=True)) == {50}
    assert set(ActionTracker.objects.values_list("pk", flat=True)) == {51}
    assert set(Partner.objects.values_list("pk", flat=True)) == {60}
    assert not Postback.objects.existing().exists()


def test_prune_cancels_what_waits_and_says_how_many(tmp_path: Path) -> None:
    load(tmp_path)
    event = record_action(
        ActionTracker.objects.get(pk=51), Partner.objects.get(pk=60), EventDate="2026-06-01T00:00:00Z"
    )
    orders = Postback.objects.get(name="orders")
    Delivery.objects.filter(postback=orders).delete()
    delivery = Delivery.objects.create(postback=orders, event=event, action=event.action, due_at=event.recorded_at)

    printed = load(tmp_path, "{}", "--prune").splitlines()

    position = printed.index("- postback “orders” of Pine Weekly (60)")
    assert printed[position + 1] == "    waiting deliveries cancelled: 1"
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.CANCELLED
    assert Postback.objects.get(pk=orders.pk).deleted_at is not None
