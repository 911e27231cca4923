"""`import_actions`: files and standard input, bad lines beside good ones, a dry run, rejected lines to correct."""

import io
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from actions.imports import parts
from actions.models import Action, ActionEvent, ImportRun
from actions.signals import action_events_recorded
from environment.variables import BASE_DIR
from partners.models import ActionTracker
from postbacks.models import Delivery
from tests.support import programs
from tests.support.factories import make_partner, make_postback, make_term, report_fields

pytestmark = pytest.mark.django_db


def run(*arguments: object) -> tuple[str, str, str]:
    """Run the command; what it says on standard output and on standard error, and its final error."""
    out, errors = io.StringIO(), io.StringIO()
    try:
        call_command("import_actions", *map(str, arguments), stdout=out, stderr=errors)
    except CommandError as error:
        return out.getvalue(), errors.getvalue(), str(error)
    return out.getvalue(), errors.getvalue(), ""


def line(tracker: ActionTracker, **fields: Any) -> str:
    return json.dumps(report_fields(tracker, **fields), ensure_ascii=False)


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, *lines: str | bytes, end: bytes = b"\n") -> Path:
        path = tmp_path / name
        path.write_bytes(end.join(each if isinstance(each, bytes) else each.encode() for each in lines) + end)
        return path

    return write


def test_a_file_of_json_lines_is_recorded(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    change = {"Event": "modified", "ActionTrackerId": tracker.pk, "OrderId": "A", "Amount": 7.10}
    path = write_file("a.jsonl", line(tracker, OrderId="A", Amount="5"), "", "  ", line(tracker), json.dumps(change))
    assert run(path) == ("3 recorded, 0 repeated, 0 rejected.\n", "", "")
    assert Action.objects.get(order_id="A").amount == Decimal("7.10")
    assert run(path) == ("0 recorded, 3 repeated, 0 rejected.\n", "", "")
    assert ActionEvent.objects.count() == 3


def test_a_csv_file_is_recorded(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    path = write_file(
        "A.CSV",
        "\ufeffCampaignId,ActionTrackerId,EventDate,OrderId,CurrencyCode,CustomerCity,ItemSku1,ItemSubTotal1,ItemSku2",
        f'{tracker.program_id},{tracker.pk},2026-11-20T10:00:00Z,A,USD,"São ""Paulo"",\r\nBR",GH23,8.76,UT66',
        "",
        f"{tracker.program_id},{tracker.pk},NOW,B,,,,,",
        end=b"\r\n",
    )
    assert run(path) == ("2 recorded, 0 repeated, 0 rejected.\n", "", "")
    first, second = Action.objects.order_by("order_id")
    assert first.reported == {"CustomerCity": 'São "Paulo",\r\nBR'}
    assert list(first.items.values_list("sku", flat=True)) == ["GH23", "UT66"]
    assert (second.reported, second.original_currency, second.items.count()) == ({}, "USD", 0)


def test_bad_lines_are_told_by_number_and_do_not_stop_the_good_ones(
    tracker: ActionTracker, write_file: Callable[..., Path], tmp_path: Path
) -> None:
    bad: dict[int, str | bytes] = {
        2: "{not json",
        3: line(tracker, CampaignId=999_999, CustomerCity="São"),
        4: "[]",
        5: b'{"OrderId": "\xff"}',
        6: line(tracker, Note="a\0b"),
        7: '{"OrderId": "\\ud800"}',
        8: '{"Amount": NaN}',
        9: '{"Amount": ' + "9" * 5000 + "}",
        10: "[" * 100_000,
        12: "null",
    }
    good = {1: line(tracker), 11: line(tracker)}
    lines = {**bad, **good}
    rejects = tmp_path / "rejects.jsonl"
    out, errors, error = run(write_file("a.jsonl", *(lines[number] for number in sorted(lines))), "--rejects", rejects)
    assert out == "2 recorded, 0 repeated, 10 rejected.\n"
    assert error == f"10 of the lines were rejected. They are in {rejects}."
    told = errors.splitlines()
    assert [each.split(":")[0] for each in told] == [f"Line {number}" for number in sorted(bad)]
    assert told[0] == (
        "Line 2: MALFORMED: The line is not JSON: Expecting property name enclosed in double quotes at column 2."
    )
    assert told[1] == "Line 3: CAMPAIGN_NOT_FOUND: There is no program 999999."
    assert told[2] == "Line 4: MALFORMED: The line is JSON, but not an object with fields such as CampaignId."
    assert told[3] == "Line 5: MALFORMED: The line is not UTF-8."
    assert told[4] == "Line 6: MALFORMED: Note: it holds a NUL character (U+0000), which cannot be stored."
    assert told[6] == "Line 8: MALFORMED: The line is not JSON: NaN is not a number."
    expected = [each if isinstance(each, bytes) else each.encode() for _, each in sorted(bad.items())]
    assert rejects.read_bytes().splitlines() == expected
    assert Action.objects.count() == 2


def test_rejected_rows_of_csv_can_be_imported_again_once_corrected(
    tracker: ActionTracker, write_file: Callable[..., Path], tmp_path: Path
) -> None:
    header = "CampaignId,ActionTrackerId,EventDate,OrderId,Note"
    row = f"{tracker.program_id},{tracker.pk},2026-11-20,"
    path = write_file(
        "a.csv",
        header,
        row + "A,",
        row + 'B,"two\nlines",more',
        row + "C",
        row + 'D,"quo"te"',
        row.encode() + b"E,\xff",
        row + "F,",
        row + ",",
    )
    rejects = tmp_path / "rejects.csv"
    out, errors, _ = run(path, "--jobs", 1, "--rejects", rejects)
    assert out == "2 recorded, 0 repeated, 6 rejected.\n"
    assert errors.splitlines() == [
        "Line 3: MALFORMED: The line has 6 cells, the first line of the file 5 names.",
        "Line 5: MALFORMED: The line has 4 cells, the first line of the file 5 names.",
        "Line 6: MALFORMED: The line is not CSV: ',' expected after '\"'.",
        "Line 7: MALFORMED: The line is not UTF-8.",
        "Line 9: OID_MISSING: OrderId is missing; it tells one order from another.",
    ]
    assert rejects.read_bytes().splitlines()[:3] == [header.encode(), (row + 'B,"two').encode(), b'lines",more']
    corrected = rejects.read_bytes().replace(b",more", b"").replace(b"C\n", b"C,\n").replace(b'"quo"te"', b"quote")
    rejects.write_bytes(corrected.replace(b"\xff", b"").replace(b"20,,", b"20,G,"))
    assert run(rejects) == ("5 recorded, 0 repeated, 0 rejected.\n", "", "")
    assert "".join(sorted(Action.objects.values_list("order_id", flat=True))) == "ABCDEFG"


def test_a_dry_run_checks_everything_and_changes_nothing(
    tracker: ActionTracker, write_file: Callable[..., Path]
) -> None:
    partner = make_partner()
    make_term(tracker, partner)
    make_postback(tracker, partner)
    reversal = {"Event": "reversed", "ActionTrackerId": tracker.pk, "OrderId": "A"}
    path = write_file(
        "a.jsonl",
        line(tracker, OrderId="A", MediaPartnerId=partner.pk),
        line(tracker, OrderId="A"),
        json.dumps(reversal),
        json.dumps(reversal),
    )
    out, errors, error = run(path, "--dry-run")
    assert out == "Dry run, nothing was recorded. It would be: 2 recorded, 1 repeated, 1 rejected.\n"
    refused, *understood = errors.splitlines()
    assert refused.startswith("Line 4: ACTION_NOT_PENDING: ")
    same = f"created, order 'A', event type {tracker.pk}, 2026-11-20T10:00:00+00:00"
    assert understood == [
        f"Line 1 is understood as: {same}, partner {partner.pk}.",
        f"Line 2 is understood as: {same}.",
        f"Line 3 is understood as: reversed, order 'A', event type {tracker.pk}.",
    ]
    assert error == "1 of the lines were rejected."
    assert (Action.objects.count(), ActionEvent.objects.count(), Delivery.objects.count()) == (0, 0, 0)
    run(path)
    assert (Action.objects.count(), ActionEvent.objects.count(), Delivery.objects.count()) == (1, 2, 2)


def test_unknown_fields_are_noted_once(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    _, errors, error = run(write_file("a.jsonl", *(line(tracker, CustomerCtiy="x") for _ in range(3))))
    assert errors == (
        "Line 1: note: CustomerCtiy is no known field; it is kept with the action, and no postback can carry it. "
        "Did you mean CustomerCity?\n"
    )
    assert error == ""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "the file's name must end in .jsonl or .csv, which says how to read it."),
        ("a.jsonl", "{}".encode("utf-16"), "The file is UTF-16; save it as UTF-8."),
        ("a.csv", "CampaignId".encode("utf-16"), "The file is UTF-16; save it as UTF-8."),
        ("a.csv", b"Campaign\xff\n", "The first line is not UTF-8; save the file as UTF-8."),
        ("a.csv", b"", "The file is empty; its first line names the fields, such as CampaignId,OrderId."),
        ("a.csv", b"OrderId,Note,OrderId\n", "The first line names OrderId more than once."),
        ("a.csv", b'"Order\n', "The first line is not CSV: unexpected end of data."),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert run(path) == ("", "", f"{path}: {message}")


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    assert run(tmp_path / "none.csv")[2] == f"{tmp_path}/none.csv: No such file or directory."
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert run(folder)[2] == f"{folder}: Is a directory."


def test_the_rejects_never_overwrite_the_source(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    path = write_file("a.jsonl", line(tracker))
    before = path.read_bytes()
    assert "cannot be written to the file that is being read" in run(path, "--rejects", path)[2]
    assert path.read_bytes() == before


def test_an_empty_file_of_json_lines_is_nothing_to_do(write_file: Callable[..., Path]) -> None:
    assert run(write_file("a.jsonl")) == ("0 recorded, 0 repeated, 0 rejected.\n", "", "")


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (OperationalError("server closed the connection\n"), "The database failed: server closed the connection"),
        (KeyboardInterrupt(), "Interrupted."),
    ],
)
def test_cut_off_it_says_how_to_go_on_and_goes_on_there(
    tracker: ActionTracker,
    write_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    message: str,
) -> None:
    monkeypatch.setattr(parts, "LINES_PER_TRANSACTION", 1)
    monkeypatch.setattr(parts, "MAX_PARTS", 2)  # Two lines a window.
    calls = []

    def fail(**_: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise failure

    change = {"Event": "modified", "ActionTrackerId": tracker.pk, "OrderId": "A"}
    delta = {**change, "Items": [{"Sku": "S", "SubTotalDelta": "1.00"}]}
    path = write_file("a.jsonl", "{bad", line(tracker, OrderId="A"), *(json.dumps(delta) for _ in range(3)))
    rejects = path.with_name("rejects.jsonl")
    action_events_recorded.connect(fail)
    try:
        out, errors, error = run(path, "--jobs", 1, "--rejects", rejects)
    finally:
        action_events_recorded.disconnect(fail)
    assert out == ""
    assert error == (
        f"{message}\nSo far: 1 recorded, 0 repeated, 1 rejected. Import {path} again to go on; "
        "what is done is not done twice."
    )
    assert (ActionEvent.objects.count(), rejects.read_bytes()) == (1, b"{bad\n")

    path = path.rename(path.with_name("renamed.jsonl"))
    out, errors, _ = run(path, "--jobs", 1, "--rejects", rejects)
    assert out == "4 recorded, 0 repeated, 1 rejected.\n"
    begun = ImportRun.objects.get()
    assert errors.splitlines() == [
        f"Going on with this file's import of {begun.started_at:%Y-%m-%d %H:%M} UTC.",
        "Line 1: MALFORMED: The line is not JSON: Expecting property name enclosed in double quotes at column 2.",
    ]
    assert rejects.read_bytes() == b"{bad\n"
    assert Action.objects.get().amount == Decimal("3.00")
    assert begun.completed_at is not None
    # Complete, so importing it again is another import.
    assert run(path, "--jobs", 1)[0] == "3 recorded, 1 repeated, 1 rejected.\n"
    assert Action.objects.get().amount == Decimal("6.00")


def test_standard_input_cut_off_says_which_lines_are_certain(
    tracker: ActionTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(tracker).encode())))
    action_events_recorded.connect(fail)
    try:
        error = run("-")[2]
    finally:
        action_events_recorded.disconnect(fail)
    assert error == (
        "The database failed: gone\n0 recorded, 0 repeated, 0 rejected. Everything up to line 0 is done, and of the "
        "lines after it perhaps some. New actions that come again are recognised as repeats."
    )


def test_standard_input_is_json_lines(tracker: ActionTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line(tracker).encode())))
    assert run("-") == ("1 recorded, 0 repeated, 0 rejected.\n", "", "")


def test_help_explains_the_fields() -> None:
    shown = programs.run(
        [sys.executable, "manage.py", "import_actions", "--help"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "Event says what happened" in shown.stdout
    assert "--rejects FILE" in shown.stdout
