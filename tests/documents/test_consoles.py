"""What the documents show of commands, of the API and of what is sent to programs, compared with the real thing.

`test_getting_started.py` walks through the README and most of docs/getting-started.md; everything else is here.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from pytest_django.live_server_helper import LiveServer

from actions.api.tokens import create_token
from environment.variables import BASE_DIR
from notices.saying.content import of_notices
from notices.saying.webhook import to_webhook
from operations.logs.formats import JsonFormat
from postbacks.delivery.attempt_log import log_attempts
from postbacks.delivery.outcomes import Judged, Retry
from tests.documents.test_blocks import is_run_elsewhere
from tests.support.api import Caller, lines, results
from tests.support.delivery_rows import claimed, make_answer, prepared, sent
from tests.support.documents import BLOCKS, Block
from tests.support.factories import make_partner, make_program, make_term, make_tracker, record_action
from tests.support.patience import wait_until

# Of the consoles of these pages, test_getting_started.py runs what this test does not.
WALKED = {"README.md", "docs/getting-started.md"}
CONSOLES = [
    block
    for block in BLOCKS
    if block.language == "console"
    and not is_run_elsewhere(block)
    and (block.page not in WALKED or "curl" in block.text)
]


def block_that_begins(start: str) -> Block:
    (found,) = (block for block in BLOCKS if block.text.startswith(start))
    return found


@dataclass
class Console:
    """Runs what a block shows, with the folder, the server and the token that stand in for those of the page."""

    server: str
    folder: Path
    token: dict[str, str] = field(default_factory=dict)

    def run(self, block: Block) -> None:
        for command, shown in commands_of(block):
            printed = self.printed(command, shown)
            for line in shown:
                pattern = re.sub(r"A\\-\d+", r"A-\\d+", re.escape(self.with_token(line)).replace("…", ".*"))
                assert re.search(f"^{pattern}$", printed, re.MULTILINE), f"{block}: {line}\nnot in\n{printed}"

    def printed(self, command: str, shown: list[str]) -> str:
        words = shlex.split(command)
        if words[0] == "cat":
            (self.folder / words[1]).write_text("".join(f"{line}\n" for line in shown), encoding="utf-8")
            return "\n".join(shown)
        if words[0] == "curl":
            return self.asked(words)
        assert words[:2] == ["python", "manage.py"], command
        output = io.StringIO()
        call_command(*(self.here(word) for word in words[2:]), stdout=output)
        if words[2] == "create_api_token":
            self.token = dict(re.findall(r"^(\w+) +(\S+)$", output.getvalue(), re.MULTILINE))
        return output.getvalue()

    def asked(self, words: list[str]) -> str:
        if not self.token:
            token, text = create_token("reader")
            self.token = {"AccountSID": token.account_sid, "AuthToken": text}
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed.")
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail-with-body", *(self.with_token(word) for word in words[1:])],
            env={"PATH": os.environ["PATH"], "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def with_token(self, text: str) -> str:
        for base in ("https://postbacks.example", "http://127.0.0.1:8000"):
            text = text.replace(base, self.server)
        if self.token:
            text = text.replace("PPx3…", self.token["AccountSID"]).replace("5Kd…", self.token["AuthToken"])
        return text

    def here(self, word: str) -> str:
        return str(self.folder / word) if (self.folder / word).is_file() else word


def commands_of(block: Block) -> list[tuple[str, list[str]]]:
    """Each command of a console with the lines that are shown below it."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


@pytest.fixture
def rows(transactional_db: None) -> None:
    """What the pages' examples are about."""
    tracker = make_tracker(make_program(pk=1000), pk=2001)
    for number in (3001, 3002):
        make_term(tracker, make_partner(pk=number))


@pytest.mark.worker
@pytest.mark.usefixtures("rows", "empty_redis")
@override_settings(POSTBACKS_ALLOWED_NETWORKS=[ip_network("127.0.0.0/8")])
def test_each_console_prints_what_is_shown(live_server: LiveServer, tmp_path: Path) -> None:
    assert len(CONSOLES) >= 5
    call_command("load_config", str(BASE_DIR / "examples/config.yaml"), stdout=io.StringIO())
    for block in CONSOLES:
        Console(live_server.url, tmp_path).run(block)


@pytest.mark.django_db
def test_discounts_come_off_as_shown() -> None:
    tracker = make_tracker()
    for line in block_that_begins("ItemSubTotal1=60").text.splitlines():
        reported, shown = re.split(r" {2,}", line)
        given: dict[str, Any] = dict(each.split("=") for each in reported.split())
        given |= {f"ItemSku{number}": f"S{number}" for number in re.findall(r"Item\D+(\d)=", reported)}
        event = record_action(tracker, **given)
        assert event.action.amount == Decimal(shown.split()[-1]), line


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("rows")
def test_a_batch_is_answered_as_shown() -> None:
    order = {"CampaignId": 1000, "ActionTrackerId": 2001, "EventDate": "NOW", "OrderId": "A-1", "Amount": "9"}
    batch = lines(order, {**order, "CampaignId": 4, "OrderId": "A-2"})
    answered = results(Caller()("POST", "Conversions/Batch", batch, form="application/x-ndjson"))
    shown = [json.loads(line) for line in block_that_begins('{"Line":1').text.splitlines()]
    assert [list(line) for line in answered] == [list(line) for line in shown]
    fixed = ("Line", "Result", "ErrorReason")
    assert [[line.get(name) for name in fixed] for line in answered] == [
        [line.get(name) for name in fixed] for line in shown
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("empty_redis")
def test_readiness_is_answered_as_shown() -> None:
    shown = json.loads(block_that_begins('{"ready": false').text.replace(", …}", "}"))
    answers: list[Any] = []

    def says_all() -> bool:
        """A first answer is given before all is looked at where that takes longer than callers wait."""
        answers.append(Client().get("/readyz").json())
        return set(shown["checks"]) <= set(answers[-1]["checks"])

    wait_until(says_all, 5, "all checks are answered")
    answered = answers[-1]
    assert answered.keys() == shown.keys()
    assert {name: answered["checks"][name] for name in shown["checks"]} == shown["checks"]


@override_settings(PUBLIC_URL="https://postbacks.example")
def test_a_webhook_of_notices_has_the_shown_fields() -> None:
    shown = json.loads(block_that_begins('{"type": "postbacks.notices"').text)
    (notice,) = shown["data"]["notices"]
    at = datetime(2026, 11, 26, 8, tzinfo=UTC)
    told: Any = {name: notice[name] for name in ("title", "text", "postback", "program")} | {"path": "/admin/"}
    made = json.loads(to_webhook(of_notices([(notice["event"], at, told)]), at))
    assert made["timestamp"] == shown["timestamp"]
    assert made.keys() == shown.keys()
    assert made["data"].keys() == shown["data"].keys()
    assert made["data"]["counts"] == shown["data"]["counts"]
    assert made["data"]["notices"][0].keys() == notice.keys()


@override_settings(LOG_ATTEMPTS="failed")
def test_an_attempt_is_logged_with_the_shown_fields(caplog: pytest.LogCaptureFixture) -> None:
    shown = json.loads(block_that_begins('{"time":').text)
    with caplog.at_level(logging.INFO, logger="postbacks.attempts"):
        one = prepared(claimed(), "https://in.example/")
        log_attempts([Judged(one.claimed, Retry("Status 503", 5.0), sent(one, make_answer(503)))])
    (record,) = caplog.records
    assert json.loads(JsonFormat().format(record)).keys() == shown.keys()
