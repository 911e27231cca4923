"""Quotes that nothing closes, or that another row closes: they cost their own line and no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actions.models import Action
from partners.models import ActionTracker
from tests.actions.imports.test_import_actions import run
from tests.support.import_files import NAMES, row

pytestmark = pytest.mark.django_db


def test_a_stray_quote_costs_its_own_line_only(
    tracker: ActionTracker, write_file: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [row(tracker, number, '"a quote' if number == 3 else "fine") for number in range(1, 41)]
    path = write_file("\n".join([",".join(NAMES), *rows]) + "\n")
    rejects = tmp_path / "rejects.csv"
    out, errors, error = run(path, "--rejects", rejects)
    assert out == "39 recorded, 0 repeated, 1 rejected.\n"
    assert errors == (
        "Line 4: MALFORMED: A quote opens a field in line 4 that takes in the lines up to 13; a field has at most 10 "
        "lines and no rows in it. Line 4 is left out; the next is line 5.\n"
    )
    assert error.startswith("1 of the lines were rejected.")
    assert rejects.read_text().splitlines() == [",".join(NAMES), rows[2]]


@pytest.mark.parametrize("closing", [4, 5, 8, 30])
def test_two_stray_quotes_swallow_nothing(
    tracker: ActionTracker, write_file: Callable[..., Path], closing: int
) -> None:
    notes = {3: '"a quote', closing: 'closes here"'}
    rows = [row(tracker, number, notes.get(number, "fine")) for number in range(1, 41)]
    out, errors, _ = run(write_file("\n".join([",".join(NAMES), *rows]) + "\n"))
    assert out == "39 recorded, 0 repeated, 1 rejected.\n"
    assert errors.startswith("Line 4: MALFORMED: A quote opens a field in line 4")


def test_a_stray_quote_near_the_end_is_told_with_the_last_line(
    tracker: ActionTracker, write_file: Callable[..., Path]
) -> None:
    rows = [row(tracker, "A"), row(tracker, "B", '"open'), row(tracker, "C")]
    out, errors, _ = run(write_file("\n".join([",".join(NAMES), *rows])))
    assert out == "2 recorded, 0 repeated, 1 rejected.\n"
    assert "in line 3 that takes in the lines up to 4;" in errors


@pytest.mark.parametrize("lines", [2, 10])
def test_a_field_of_some_lines_is_kept(tracker: ActionTracker, write_file: Callable[..., Path], lines: int) -> None:
    note = "\n".join(f"line {number}, of a note" for number in range(lines))
    path = write_file("\n".join([",".join(NAMES), row(tracker, "A", f'"{note}"'), row(tracker, "B")]) + "\n")
    assert run(path) == ("2 recorded, 0 repeated, 0 rejected.\n", "", "")
    assert Action.objects.get(order_id="A").reported == {"Note": note}


def test_a_field_of_eleven_lines_is_refused(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    note = "\n".join(f"line {number}" for number in range(11))
    out, errors, _ = run(
        write_file("\n".join([",".join(NAMES), row(tracker, "A", f'"{note}"'), row(tracker, "B")]) + "\n")
    )
    assert out == "1 recorded, 0 repeated, 11 rejected.\n"
    assert errors.startswith("Line 2: MALFORMED: A quote opens a field in line 2")
