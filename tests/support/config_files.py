"""A small configuration file for tests, and the command that loads it."""

import io
from pathlib import Path

from django.core.management import CommandError, call_command
from django.db.models import Model

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Contract, ContractTerm, ExchangeRate, InAppEvent, Partner, Program
from postbacks.models import Postback

CONFIG = """\
exchange_rates:
  - {date: 2026-02-01, from: GBP, to: USD, rate: "1.25"}

programs:
  - id: 50
    name: Lakeside Tents
    currency: USD
    action_trackers:
      - id: 51
        name: Shop order
        hidden_parameters: [CustomerCity]
      - id: 52
        name: Trail app
        kind: mobile_app
        in_app_events: [INSTALL, "NO", SALE]

partners:
  - id: 60
    name: Pine Weekly
    currency: GBP
    contracts:
      - program: 50
        start: "2026-01-15"
        end: 2026-12-31
        terms:
          - {action_tracker: 51, payout: "7.5%", monthly_payout_limit: "900"}
          - {action_tracker: 52, payout: 3, lock_after_days: 10, clear_after_days: 20}
    postbacks:
      - name: orders
        action_tracker: 51
        url: "https://pine.example/in?id={ActionId}&pay={Payout}"
        headers: |
          X-Brand: lakeside
          X-Order: {Oid}
        minimum_delay: 1h 30m
        maximum_requests: 20
        success_response: |
          2xx
          OK
        error_response: /denied/i
      - name: app
        action_tracker: 52
        install: yes
        in_app_event: NO
        event_trigger: new
        url: "https://pine.example/app"
        method: post
        body_format: json
        body:
          id: "{ActionId}"
          when: 2026-01-01
          no: no

media_sources:
  - id: 70
    name: Compass Metrics
    type: Analytics
    postbacks:
      - name: all orders
        action_tracker: 51
        scope: involved
        url: "https://compass.example/collect"
        method: POST
        body_format: xml
        body_raw: |
          <order>
            <id>{ActionId}</id>
          </order>
"""
ROWS = 15  # Entries of the file above.


def load(path: Path, text: str = CONFIG, *options: str) -> str:
    """Loads a text by the command; returns what it printed."""
    file = path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    printed = io.StringIO()
    call_command("load_config", str(file), *options, stdout=printed)
    return printed.getvalue()


def problems(path: Path, text: str, *options: str) -> list[str]:
    """The problems for which a text is refused, one a line; loading it fails the test."""
    try:
        load(path, text, *options)
    except CommandError as error:
        return [line.strip() for line in str(error).splitlines()[1:]]
    raise AssertionError("The file was loaded.")


MODELS: list[type[Model]] = [
    *(ExchangeRate, Program, ActionTracker, InAppEvent, Partner, Contract, ContractTerm, MediaSource, Postback)
]


def count_rows() -> int:
    return sum(model._default_manager.count() for model in MODELS)


def edited(old: str, new: str) -> str:
    """The configuration with one place changed."""
    assert CONFIG.count(old) == 1, old
    return CONFIG.replace(old, new)


def place(text: str, path: str, found: str) -> str:
    """`path, line N`, N being the line in which `found` stands."""
    numbers = [number for number, line in enumerate(text.splitlines(), start=1) if found in line]
    assert len(numbers) == 1, numbers
    return f"{path}, line {numbers[0]}"
