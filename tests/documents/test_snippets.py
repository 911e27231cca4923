"""The programs that docs/management-api.md shows do what it says, each in its own language."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest
from pytest_django.live_server_helper import LiveServer

from actions.api.tokens import create_token
from environment.variables import BASE_DIR
from postbacks.models import Delivery, Postback
from tests.support.two_programs import Rows, make_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker, pytest.mark.usefixtures("empty_redis")]

TEXT = (BASE_DIR / "docs" / "management-api.md").read_text(encoding="utf-8")
SNIPPETS = dict(re.findall(r"<!-- runs: (\w+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL))
COMMANDS = {
    "curl": ["sh", "-ec"],
    "python": [sys.executable, "-c"],
    "php": ["php", "-r"],
    "node": ["node", "--input-type=module", "-e"],
}


@dataclass(frozen=True)
class Shop:
    """A server with rows, and what a program must know to call it."""

    rows: Rows
    environment: dict[str, str]

    def run(self, name: str) -> str:
        """What the snippet prints; it is skipped where its runtime is missing."""
        needed = COMMANDS[name][0] if name != "curl" else name
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed.")
        code = SNIPPETS[name].removeprefix("<?php")
        done = subprocess.run(
            [*COMMANDS[name], code], env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def shop(live_server: LiveServer) -> Shop:
    rows = make_rows("Own")
    token, text = create_token("console", scopes=["read", "manage"], programs=[rows.tracker.program_id])
    known = {
        "BASE_URL": live_server.url,
        "ACCOUNT_SID": token.account_sid,
        "AUTH_TOKEN": text,
        "PARTNER": str(rows.partner.pk),
        "EVENT_TYPE": str(rows.tracker.pk),
    }
    return Shop(rows, {"PATH": os.environ["PATH"], "NO_PROXY": "*", **known})


def test_each_language_has_its_snippet() -> None:
    assert set(SNIPPETS) == set(COMMANDS)


def test_curl_creates_a_postback(shop: Shop) -> None:
    printed = shop.run("curl")
    made = Postback.objects.get(name="Sales")
    assert f'"id":{made.pk}' in printed
    assert [name for name, _ in made.secret_headers] == ["Authorization"]
    assert shop.run("curl") == printed  # The same again is the first one.


def test_python_changes_postbacks(shop: Shop) -> None:
    assert shop.run("python") == "Own postback 15m\n"
    shop.rows.postback.refresh_from_db()
    assert (shop.rows.postback.maximum_requests, shop.rows.postback.minimum_delay_seconds) == (20, 900)


def test_php_sends_again_what_has_failed(shop: Shop) -> None:
    assert shop.run("php") == f"{shop.rows.delivery.pk} ready\n"
    assert Delivery.objects.filter(known_as=shop.rows.delivery.pk, state=Delivery.State.READY).exists()


def test_node_cancels_what_waits(shop: Shop) -> None:
    Delivery.objects.update(state=Delivery.State.READY, finished_at=None)
    assert shop.run("node") == f"{shop.rows.delivery.pk} cancelled\n"
    assert Delivery.objects.get().state == Delivery.State.CANCELLED
