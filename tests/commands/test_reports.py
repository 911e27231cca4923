"""The JSON of commands: their documented keys, and values of the right kinds."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.utils import timezone

from actions.models import Submission
from commands.base import Command
from operations.doctor.finding import fine, wrong
from operations.management.commands import doctor
from partners.models import ActionTracker, Partner
from postbacks.models import Delivery, Postback, Replay
from tests.support.factories import record_action, report_fields

pytestmark = pytest.mark.django_db

APP_OF = {
    **dict.fromkeys(("create_user", "erase_person", "export_person", "reset_second_factor"), "accounts"),
    **dict.fromkeys(("create_api_token", "process_submissions", "import_actions"), "actions"),
    **dict.fromkeys(("import_rates", "import_attribution_rules"), "partners"),
    **dict.fromkeys(("prune", "doctor"), "operations"),
    **dict.fromkeys(("check", "version", "api_document"), "config"),
}


def report(name: str, *words: object) -> Any:
    """The report of the command, whose keys are all documented ones."""
    printed = io.StringIO()
    call_command(name, *map(str, words), "--json", stdout=printed, stderr=io.StringIO())
    told = json.loads(printed.getvalue())
    command = load_command_class(APP_OF.get(name, "postbacks"), name)
    assert isinstance(command, Command)
    assert told.keys() <= command.json_keys.keys()
    return told


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_configuration_is_dumped_and_loaded_as_json(postback: Postback, tmp_path: Path) -> None:
    dumped = report("dump_config")
    assert dumped["partners"][0]["postbacks"][0]["name"] == postback.name
    file = written(tmp_path, "config.json", json.dumps(dumped))
    same = report("load_config", file)
    assert same == {"dry_run": False, "changes": [], "unchanged": same["unchanged"], "notes": [], "warnings": []}
    assert same["unchanged"] > 3

    dumped["partners"][0]["postbacks"][0]["name"] = "Another"
    file.write_text(json.dumps(dumped))
    (made,) = report("load_config", file, "--dry-run")["changes"]
    assert made["change"] == "created"
    assert "Another" in made["what"]


def test_what_is_wrong_in_a_configuration_is_listed(tmp_path: Path) -> None:
    file = written(tmp_path, "config.yaml", "programs:\n  - nmae: Shop\n")
    printed = io.StringIO()
    with pytest.raises(CommandError):
        call_command("load_config", str(file), "--json", stdout=printed)
    problems = json.loads(printed.getvalue())["problems"]
    assert any(problem["line"] == 2 and "nmae" in problem["message"] for problem in problems)


def test_replays_are_planned_and_listed(tracker: ActionTracker, partner: Partner, postback: Postback) -> None:
    record_action(tracker, partner)
    Delivery.objects.update(state="failed", finished_at="2026-11-20T00:00Z")
    planned = report("replay_actions", "--postback", postback.pk, "--dry-run")
    assert planned["dry_run"] is True
    assert planned["planned"] == 1
    assert planned["postbacks"] == [
        {"postback": postback.pk, "name": str(postback), "matched": 1, "following": 0},
    ]
    Replay.objects.create(selection={}, planned=5, made=2, state="stopped", described="all")
    (listed,) = report("replay_actions", "--list")["replays"]
    assert (listed["state"], listed["planned"], listed["made"], listed["described"]) == ("stopped", 5, 2, "all")


def test_deliveries_that_wait_are_counted(tracker: ActionTracker, partner: Partner, postback: Postback) -> None:
    record_action(tracker, partner)
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=1))
    told = report("try_now", "--postback", postback.pk, "--dry-run")
    assert told == {"dry_run": True, "found": 1, "tried": 0, "left_out": {}}


def test_keys_and_secrets(postback: Postback) -> None:
    made = report("signing_key", postback.pk)
    assert (made["postback"], made["signed"], made["previous_for_seconds"]) == (postback.pk, True, 0)
    assert made["key"].startswith("whsec_")
    assert report("signing_key", postback.pk)["previous_for_seconds"] == 24 * 3600
    assert report("rotate_secrets") == {"postbacks": 1, "others": 0, "unreadable": []}
    assert report("signing_key", postback.pk, "--stop")["key"] is None


def test_users_tokens_and_persons(tracker: ActionTracker, partner: Partner, tmp_path: Path) -> None:
    user = report("create_user", "marta", "--role", "operator")
    assert (user["name"], user["role"], len(user["password"]) > 10) == ("marta", "operator", True)
    token = report("create_api_token", "Shop")
    assert token.keys() == {"account_sid", "auth_token"}

    record_action(tracker, partner, CustomerId="c-1")
    file = tmp_path / "person.json"
    assert report("export_person", "c-1", "--output", file) == {"file": str(file), "actions": 1}
    counted = report("erase_person", "c-1")
    assert (counted["customer_id"], counted["removed"], counted["actions"], counted["events"]) == ("c-1", False, 1, 1)
    assert report("erase_person", "c-1", "--yes")["removed"] is True
    assert report("erase_person", "c-2") | {"customer_id": ""} == {
        "customer_id": "",
        "removed": False,
        **dict.fromkeys(("actions", "events", "attempts", "submissions", "rules"), 0),
    }


def test_files_are_taken(tracker: ActionTracker, partner: Partner, tmp_path: Path) -> None:
    rates = written(tmp_path, "rates.csv", "date,from,to,rate\n2026-11-20,EUR,USD,1.0850\n")
    assert report("import_rates", rates) == {"added": 1, "changed": 0, "unchanged": 0}
    rules = written(tmp_path, "rules.csv", f"key,value,partner\npromo_code,HARBOR10,{partner.pk}\n")
    assert report("import_attribution_rules", rules) == {"taken": 1}

    lines = [report_fields(tracker, partner), {"Nothing": 1}]
    actions = written(tmp_path, "actions.jsonl", "\n".join(map(json.dumps, lines)))
    printed = io.StringIO()
    with pytest.raises(CommandError, match="1 of the lines were rejected"):
        call_command("import_actions", str(actions), "--dry-run", "--json", stdout=printed, stderr=io.StringIO())
    told = json.loads(printed.getvalue())
    assert (told["dry_run"], told["recorded"], told["rejected"], told["last_line"]) == (True, 1, 1, 2)
    (rejection,) = told["rejections"]
    assert rejection.keys() == {"line", "reason_code", "message"}
    assert rejection["line"] == 2


def test_refused_reports_are_processed_again(tracker: ActionTracker) -> None:
    Submission.objects.create(
        kind="conversion", fields={"CampaignId": tracker.program_id}, result="rejected", reason_code="OID_MISSING"
    )
    told = report("process_submissions", "--reason", "OID_MISSING")
    assert (told["recorded"], told["refused"], len(told["refusals"])) == (0, 1, 1)


def test_what_is_too_old_is_counted_by_kind() -> None:
    told = report("prune", "--dry-run")
    assert (told["dry_run"], told["complete"]) == (True, True)
    assert {"kind", "days", "deleted", "held"} == told["kinds"][0].keys()


def test_the_doctor_s_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: iter([fine("Well."), wrong("Broken.", "Mend it.")]))
    printed = io.StringIO()
    with pytest.raises(CommandError, match=r"1 error, 0 warnings"):
        call_command("doctor", "--json", stdout=printed)
    assert json.loads(printed.getvalue()) == {
        "errors": 1,
        "warnings": 0,
        "findings": [
            {"level": "ok", "what": "Well.", "fix": ""},
            {"level": "error", "what": "Broken.", "fix": "Mend it."},
        ],
    }


def test_the_check_and_the_version() -> None:
    assert report("check") == {"issues": []}
    assert report("version").keys() == {"version", "python", "django", "system"}
