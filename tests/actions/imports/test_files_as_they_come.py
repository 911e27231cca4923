"""Files as spreadsheets and other systems write them: recognised, or refused once with the cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from actions.models import Action
from partners.models import ActionTracker
from tests.actions.imports.test_import_actions import run
from tests.support.import_files import NAMES, amounts, row

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_other_separators_are_recognised_and_said(
    tracker: ActionTracker, write_file: Callable[..., Path], separator: str, word: str, end: str
) -> None:
    path = write_file(
        end.join([separator.join(NAMES), row(tracker, "A", "x, y", separator), row(tracker, "B", "", separator)])
    )
    assert run(path) == ("2 recorded, 0 repeated, 0 rejected.\n", f"Read with {word} between the values.\n", "")
    assert amounts() == {"A": "5.00", "B": "5.00"}
    assert Action.objects.get(order_id="A").reported == {"Note": "x, y"}


def test_quoted_names_with_another_separator_are_recognised(
    tracker: ActionTracker, write_file: Callable[..., Path]
) -> None:
    header = ";".join(f'"{name}"' for name in NAMES)
    assert run(write_file(f"{header}\n{row(tracker, 'A', '', ';')}\n"))[0] == "1 recorded, 0 repeated, 0 rejected.\n"


def test_an_announced_separator_is_taken_and_goes_to_the_rejects(
    tracker: ActionTracker, write_file: Callable[..., Path], tmp_path: Path
) -> None:
    head = f"sep=;\r\n{';'.join(NAMES)}\r\n"
    path = write_file("\ufeff" + head + row(tracker, "A", "", ";") + "\r\n" + row(tracker, "NULL", "", ";") + "\r\n")
    rejects = tmp_path / "rejects.csv"
    out, errors, _ = run(path, "--rejects", rejects)
    assert out == "1 recorded, 0 repeated, 1 rejected.\n"
    assert "Line 4: MALFORMED: OrderId: 'NULL' cannot be an order id" in errors
    assert rejects.read_bytes().decode() == head + row(tracker, "NULL", "", ";") + "\r\n"
    rejects.write_text(rejects.read_text().replace("NULL", "B"))
    assert run(rejects)[0] == "1 recorded, 0 repeated, 0 rejected.\n"


def test_tabs_come_in_a_tsv_file_too(tracker: ActionTracker, write_file: Callable[..., Path]) -> None:
    path = write_file("\t".join(NAMES) + "\n" + row(tracker, "A", "", "\t") + "\n", "a.TSV")
    assert run(path)[0] == "1 recorded, 0 repeated, 0 rejected.\n"


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("a.csv", ",".join(NAMES).encode("utf-16"), "The file is UTF-16; save it as UTF-8."),
        ("a.csv", ",".join(NAMES).encode("utf-16-le"), "The file is UTF-16; save it as UTF-8."),
        ("a.csv", ",".join(NAMES).encode("utf-16-be"), "The file is UTF-16; save it as UTF-8."),
        ("a.csv", b"PK\x03\x04\x14", "The file is a workbook or an archive; save it as CSV in UTF-8."),
        ("a.csv", b"\x1f\x8b\x08", "The file is compressed; unpack it first."),
        ("a.csv", b"OrderId,EventDate\rA,NOW\rB,NOW\r", "The file's lines end with CR alone"),
        ("a.csv", b"1000,2001,2026-11-20,SS-1,5.00\n", "The first line names no field: '1000', '2001', '2026-11-20'"),
        ("a.csv", b"1000,1000,NOW,SS-1\n", "names 1000 more than once. It seems to hold values;"),
        ("a.csv", b'{"OrderId": "A"}\n', "The file is JSON; name it .jsonl"),
        ("a.csv", b"CampaignId,ActionTrackerId,EventDate,Amount\n", "No column names the order: OrderId is needed"),
        ("a.csv", b"CampaignId,EventDate,OrderId\n", "There is no column ActionTrackerId, which new actions need."),
        ("a.jsonl", b'[{"OrderId": "A"},\n{"OrderId": "B"}]\n', "The file is JSON over several lines or in a list"),
        ("a.jsonl", b'[{"OrderId": "A"}]\n', "The file is JSON over several lines or in a list"),
        ("a.jsonl", b'{\n"OrderId": "A"\n}\n', "The file is JSON over several lines or in a list"),
        ("a.jsonl", b'{"OrderId": "A"}\r{"OrderId": "B"}\r', "The file's lines end with CR alone"),
    ],
)
def test_what_cannot_be_read_is_refused_once_for_the_file(
    write_file: Callable[..., Path], name: str, content: bytes, cause: str
) -> None:
    out, errors, error = run(write_file(content, name))
    assert (out, errors) == ("", "")
    assert cause in error
