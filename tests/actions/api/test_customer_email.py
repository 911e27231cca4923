"""A plain e-mail address is refused, and nothing that is kept or logged holds it; a hash is kept."""

from __future__ import annotations

import io
import json
from hashlib import md5, sha1, sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from actions.models import Action, Submission
from partners.models import ActionTracker
from tests.support.api import Caller
from tests.support.factories import report_fields

PLAIN = "ada.lovelace@mail.example"
NAMES = ("CustomerEmail", "customeremail", "CUSTOMER_EMAIL", "customerEmail", "Customer E-mail")
JSON = "application/json"


def tables_with(text: str) -> list[str]:
    """The tables that hold the text anywhere."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        found = []
        for name in names:
            cursor.execute(f'SELECT 1 FROM "{name}" each WHERE each::text ILIKE %s LIMIT 1', [f"%{text}%"])  # noqa: S608
            found += [name] * (cursor.fetchone() is not None)
    return found


@pytest.mark.parametrize("write", [md5, sha1, sha256, lambda text: sha256(text.upper())])
def test_a_hash_is_kept_and_rendered(call: Caller, tracker: ActionTracker, write: Any) -> None:
    for number, digest in enumerate((write(PLAIN.encode()).hexdigest(), write(PLAIN.encode()).hexdigest().upper())):
        fields = {**report_fields(tracker), "OrderId": f"o-{number}", "customerEmail": digest}
        assert call.submission(call.json("POST", "Conversions", **fields))["Notes"] == []
        assert Action.objects.get(order_id=f"o-{number}").events.get().parameters["CustomerEmail"] == digest


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_one_is_refused_and_taken_out(
    call: Caller, tracker: ActionTracker, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    fields = report_fields(tracker)
    query = f"Conversions?{quote(name)}={quote(PLAIN)}"
    answers = [
        call.json("POST", "Conversions", **fields, **{name: PLAIN}),
        call.json("POST", "Conversions", **fields, **{name: [PLAIN]}),
        call.form("POST", query, **fields),
        call.form("POST", query, CampaignId="x"),  # Refused for another reason.
        call.json("PUT", "Actions", ActionId="1.2.3", Items=[{"Sku": "A", name: PLAIN}]),
        call.form("DELETE", "Actions", ActionId="1.2.3", **{name: PLAIN}),
        call("POST", "Conversions/Batch", json.dumps({**fields, name: PLAIN}), form="application/x-ndjson"),
    ]
    assert {answer.status_code for answer in answers[:4]} == {400}
    assert answers[0].json()["errors"][0] == {
        "field": name,
        "level": "ERROR",
        "message": f"{name}: a plain address is not taken; send its SHA-256, SHA-1 or MD5 in hexadecimal digits.",
        "code": "MALFORMED",
    }
    told = b"".join(b"".join(answer) for answer in answers)
    assert b"a plain address" in told
    assert PLAIN.encode() not in told
    assert Submission.objects.filter(result="rejected").count() == len(answers)
    assert tables_with(PLAIN) == []
    assert PLAIN not in caplog.text
    assert quote(PLAIN) not in caplog.text
    assert not Action.objects.exists()


def test_what_is_left_can_be_processed_again(call: Caller, tracker: ActionTracker) -> None:
    call.json("POST", "Conversions", **report_fields(tracker), customeremail=PLAIN)
    call_command("process_submissions", Submission.objects.get().public_id, stdout=io.StringIO())
    assert "CustomerEmail" not in Action.objects.get().reported


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_imported_without_it(tracker: ActionTracker, tmp_path: Path, suffix: str, name: str) -> None:
    fields = {**report_fields(tracker), name: PLAIN}
    file, rejects = tmp_path / f"sales{suffix}", tmp_path / f"rejects{suffix}"
    if suffix == ".csv":
        file.write_text(",".join(fields) + "\n" + ",".join(map(str, fields.values())) + "\n")
    else:
        file.write_text(json.dumps(fields) + "\n")
    said = io.StringIO()
    with pytest.raises(CommandError, match="1 of the lines"):
        call_command("import_actions", str(file), "--rejects", str(rejects), "--jobs", "1", stdout=said, stderr=said)
    assert "a plain address is not taken" in said.getvalue()
    assert PLAIN not in said.getvalue()
    assert PLAIN not in rejects.read_text()
    assert tables_with(PLAIN) == []
    call_command("import_actions", str(rejects), "--jobs", "1", stdout=said, stderr=said)
    assert Action.objects.count() == 1


def test_manual_entry_keeps_none(root: Client, tracker: ActionTracker) -> None:
    text = json.dumps({**report_fields(tracker), "CUSTOMEREMAIL": PLAIN})
    page = root.post(reverse("admin:actions_action_report_by_hand"), {"text": text, "record": "1"})
    assert "a plain address is not taken" in page.content.decode()
    assert tables_with(PLAIN) == []


def test_a_plain_one_of_an_earlier_release_reaches_no_postback(call: Caller, tracker: ActionTracker) -> None:
    call.json("POST", "Conversions", **report_fields(tracker), Amount="5")
    action = Action.objects.get()
    Action.objects.update(reported={"CustomerEmail": PLAIN})
    call.json("PUT", "Actions", ActionId=action.action_id, Amount="4")
    assert [event.parameters.get("CustomerEmail") for event in action.events.all()] == [None, None]
