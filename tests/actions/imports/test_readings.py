"""How a file is read and cut: the same however names are written, and never resumed in another way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from actions.imports import parts
from actions.models import Action, ImportPart, ImportRun
from actions.reports.files import json_lines
from partners.models import ActionTracker
from tests.actions.imports.test_import_actions import run
from tests.support.factories import record_action
from tests.support.import_files import NAMES, amounts, row

pytestmark = pytest.mark.django_db


def test_lines_of_one_order_are_in_one_part_however_it_is_written(
    tracker: ActionTracker, write_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "LINES_PER_TRANSACTION", 2)
    spelt = [("orderId", "001"), ("Oid", '="001"'), ("order_id", "'001"), ("OrderID", " 001 "), ("ORDERID", "001")]
    others = [{"OrderId": f"x{number}"} for number in range(10)]
    lines = [json.dumps(fields) for fields in [*({name: value} for name, value in spelt), *others]]

    with write_file("\n".join(lines), "a.jsonl").open("rb") as file:
        (window,) = parts.windows(json_lines(file))
    cut = window.parts
    assert len(cut) > 1
    with_ours = [part for part in cut if any(number <= len(spelt) for number, _ in part.lines)]
    assert [number for number, _ in with_ours[0].lines if number <= len(spelt)] == [1, 2, 3, 4, 5]
    assert len(with_ours) == 1


@pytest.mark.parametrize("name", ["event", "EVENT"])
def test_changes_that_name_actions_both_ways_stay_in_one_part(
    write_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(parts, "LINES_PER_TRANSACTION", 2)
    fields = [{name: "Modified", "actionId": f"1.2.{n}"} for n in range(9)] + [{name: "modified", "oid": "A"}]

    with write_file("\n".join(map(json.dumps, fields)), "a.jsonl").open("rb") as file:
        (window,) = parts.windows(json_lines(file))
    assert len(window.parts) == 1


def cut_off(path: Path, *arguments: str) -> ImportRun:
    """A run of the file that was cut off after its first part."""
    run(path, *arguments)
    begun = ImportRun.objects.get()
    begun.completed_at = None
    begun.save()
    return begun


def test_a_run_is_never_resumed_under_other_options(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    record_action(tracker, OrderId="A", Items=[{"Sku": "S", "SubTotal": "5"}])
    path = write_file(f"Oid,ActionTrackerId,Event,Sku,ItemSubTotalDelta\nA,{tracker.pk},,S,1.00\n")
    begun = cut_off(path, "--event", "modified")
    error = run(path, "--event", "restored")[2]
    assert "was cut off. It had read the file as 'csv, version 2, --event modified', now it would be read as" in error
    assert "--anew" in error
    assert amounts() == {"A": "6.00"}
    out, errors, _ = run(path, "--event", "modified")
    assert errors.startswith(f"Going on with this file's import of {begun.started_at:%Y-%m-%d %H:%M} UTC.\n")
    assert (out, amounts()) == ("1 recorded, 0 repeated, 0 rejected.\n", {"A": "6.00"})


def test_nor_is_one_of_an_earlier_version(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    path = write_file(f"{','.join(NAMES)}\n{row(tracker, 'A')}\n")
    begun = cut_off(path)
    ImportRun.objects.update(sha256=str(begun.file_sha256), file_sha256=None, reading=None)  # As it inserts them.
    assert "It had read the file by an earlier version" in run(path)[2]
    assert run(path, "--anew")[0] == "0 recorded, 1 repeated, 0 rejected.\n"
    assert not ImportRun.objects.filter(completed_at=None).exists()


def test_a_run_that_recorded_nothing_is_in_nobodys_way(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    record_action(tracker, OrderId="A", Amount="5")
    path = write_file(f"Oid,ActionTrackerId,Reason\nA,{tracker.pk},OTHER\n")
    assert "--event" in run(path)[2]
    assert run(path, "--event", "reversed")[0] == "1 recorded, 0 repeated, 0 rejected.\n"
    assert ImportPart.objects.count() == 1


def test_old_programs_can_begin_runs_beside_ours(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    path = write_file(f"{','.join(NAMES)}\n{row(tracker, 'A')}\n")
    begun = cut_off(path)
    # It looks for the hash of the file, does not find it, and begins its own.
    assert not ImportRun.objects.filter(sha256=begun.file_sha256).exists()
    ImportRun.objects.create(sha256=str(begun.file_sha256), name="a.csv", started_at=timezone.now())
    assert run(path)[0] == "1 recorded, 0 repeated, 0 rejected.\n"


def test_a_dry_run_shows_the_first_rows_as_understood(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    names = (
        "CampaignId;ActionTrackerId;EventDate;orderId;currencyCode;ItemSku1;ItemQuantity1;ItemSubTotal1;CustomerCity"
    )
    rows = [f'{tracker.program_id};{tracker.pk};2026-11-20;="00{n}";USD;S{n};2;{n}.50;Bonn' for n in range(1, 6)]
    _, errors, _ = run(write_file("\n".join([names, *rows]) + "\n"), "--dry-run")
    shown = [each for each in errors.splitlines() if "understood" in each]
    assert shown == [
        f"Line {n + 1} is understood as: created, order '00{n}', event type {tracker.pk}, 2026-11-20T00:00:00+00:00, "
        f"1 items: S{n} x 2 {n}.50."
        for n in range(1, 4)
    ]
    assert not Action.objects.exists()


@pytest.mark.parametrize("amount", ["1,234.50", "1.234,50", "1 234", "1'234"])
def test_thousands_separators_stay_refused(
    tracker: ActionTracker, write_file: Callable[..., Path], amount: str
) -> None:
    path = write_file(";".join(NAMES) + "\n" + row(tracker, "A", "", ";").replace("5.00", amount) + "\n")
    assert "is not a number; digits and a decimal point" in run(path)[1]
