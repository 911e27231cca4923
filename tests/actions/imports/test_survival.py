"""Importing with several processes, as engineers run it: killed, started twice at once, in the order of each action."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from actions.models import Action, ActionEvent, ImportPart, ImportRun
from partners.models import ActionTracker
from tests.support.factories import make_tracker
from tests.support.patience import PATIENCE, wait_until
from tests.support.workers import Command, commands

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 1_500
ROUNDS = 8  # The lines of one order lie far apart, in two windows.
SUMMARY = f"{ORDERS * ROUNDS:,} recorded, 0 repeated, 0 rejected.\n"


@pytest.fixture
def import_command() -> Iterator[Command]:
    with commands("import_actions") as start:
        yield start


def write_file(path: Path, tracker: ActionTracker) -> Path:
    """Orders, each created with one item and then made dearer by 1.00 again and again: twice would be seen."""
    change = {"Event": "modified", "Items": [{"Sku": "A", "SubTotalDelta": "1.00"}]}
    new = {"CampaignId": tracker.program_id, "EventDate": "NOW", "Items": [{"Sku": "A", "SubTotal": "1.00"}]}
    with path.open("w") as file:
        for turn in range(ROUNDS):
            for number in range(ORDERS):
                order = {"ActionTrackerId": tracker.pk, "OrderId": f"o-{number}"}
                file.write(json.dumps({**order, **(change if turn else new)}) + "\n")
    return path


def recorders(pid: int) -> list[psutil.Process]:
    """The forked processes. From Python 3.14 on there is one more child, which keeps track of their semaphores."""
    parent = psutil.Process(pid)
    return [child for child in parent.children() if child.cmdline() == parent.cmdline()]


def assert_each_once_and_in_order() -> None:
    amounts = defaultdict(list)
    for action, parameters in ActionEvent.objects.order_by("id").values_list("action", "parameters"):
        amounts[action].append(parameters["Amount"])
    assert len(amounts) == ORDERS
    assert set(map(tuple, amounts.values())) == {tuple(f"{turn}.00" for turn in range(1, ROUNDS + 1))}


def test_killed_and_imported_again_each_line_counts_once(tmp_path: Path, import_command: Command) -> None:
    path = write_file(tmp_path / "a.jsonl", make_tracker())
    first = import_command(path, "--jobs", "2")
    wait_until(lambda: ImportPart.objects.count() >= 3, 30, "some parts are recorded")
    children = recorders(first.pid)
    assert len(children) == 2
    first.kill()
    first.communicate(timeout=PATIENCE * 20)
    wait_until(lambda: not any(child.is_running() for child in children), 10, "its processes end too")
    done = ActionEvent.objects.count()
    assert 0 < done < ORDERS * ROUNDS
    assert ImportRun.objects.get().completed_at is None

    # Now one of the recording processes is killed.
    second = import_command(path, "--jobs", "2")
    wait_until(lambda: ActionEvent.objects.count() > done, 30, "it goes on")
    for child in recorders(second.pid)[:1]:
        child.kill()
    _, complaint = second.communicate(timeout=PATIENCE * 20)
    assert second.returncode == 1
    assert "A process that recorded was killed; the memory may have run out." in complaint

    third = import_command(path, "--jobs", "3")
    assert third.communicate(timeout=PATIENCE * 60)[0] == SUMMARY
    assert third.returncode == 0
    assert ImportRun.objects.get().completed_at is not None
    assert Action.objects.count() == ORDERS
    assert_each_once_and_in_order()


def test_started_twice_at_once_they_share_the_work(tmp_path: Path, import_command: Command) -> None:
    path = write_file(tmp_path / "a.jsonl", make_tracker())
    both = [import_command(path, "--jobs", "2") for _ in range(2)]
    assert [each.communicate(timeout=PATIENCE * 60)[0] for each in both] == [SUMMARY, SUMMARY]
    assert_each_once_and_in_order()
