"""Loading a configuration file: what it writes."""

import io
import json
import textwrap
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from environment.variables import BASE_DIR
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Contract, ContractTerm, ExchangeRate, Partner, Program
from postbacks.config_file.keys import DOCUMENT, EntryKind
from postbacks.models import Postback
from tests.support.config_files import CONFIG, ROWS, count_rows, edited, load
from tests.support.factories import make_partner, make_program, make_tracker

pytestmark = pytest.mark.django_db


def test_every_entry_becomes_a_row_with_the_values_of_the_file(tmp_path: Path) -> None:
    printed = load(tmp_path)

    assert printed.splitlines()[-1] == f"{ROWS} created, 0 changed, 0 deleted, 0 unchanged."
    assert count_rows() == ROWS
    rate = ExchangeRate.objects.get()
    assert (rate.date, rate.from_currency, rate.to_currency) == (date(2026, 2, 1), "GBP", "USD")
    assert rate.rate == Decimal("1.25")
    order, app = ActionTracker.objects.order_by("id")
    assert (order.pk, order.program_id, order.kind, order.dedup_window_days) == (51, 50, "web", 30)
    assert order.hidden_parameters == ["CustomerCity"]
    assert app.is_mobile_app
    assert sorted(event.code for event in app.in_app_events.all()) == ["INSTALL", "NO", "SALE"]
    contract = Contract.objects.get()
    assert (contract.partner_id, contract.program_id) == (60, 50)
    assert (contract.start, contract.end) == (date(2026, 1, 15), date(2026, 12, 31))
    percentage, flat = ContractTerm.objects.order_by("action_tracker_id")
    assert (percentage.payout_type, percentage.payout) == ("percentage", Decimal("7.5"))
    assert percentage.monthly_payout_limit == 900
    assert (flat.payout_type, flat.payout) == ("flat", Decimal(3))
    assert (flat.lock_after_days, flat.clear_after_days) == (10, 20)


def test_postbacks_get_every_setting_of_the_file(tmp_path: Path) -> None:
    load(tmp_path)

    orders = Postback.objects.get(name="orders")
    assert (orders.partner_id, orders.media_source_id, orders.action_tracker_id) == (60, None, 51)
    assert (orders.method, orders.event_trigger, orders.body_format) == ("GET", "always", "")
    assert orders.headers == "X-Brand: lakeside\nX-Order: {Oid}"
    assert (orders.minimum_delay_seconds, orders.maximum_requests) == (5_400, 20)
    assert (orders.success_response, orders.error_response) == ("2xx\nOK", "/denied/i")
    app = Postback.objects.get(name="app")
    assert (app.method, app.event_trigger, app.install) == ("POST", "new", True)
    assert app.in_app_event is not None
    assert app.in_app_event.code == "NO"
    assert app.body_pairs == [["id", "{ActionId}"], ["when", "2026-01-01"], ["no", "no"]]
    every = Postback.objects.get(name="all orders")
    assert (every.partner_id, every.media_source_id, every.scope) == (None, 70, "involved")
    assert every.body_raw == "<order>\n  <id>{ActionId}</id>\n</order>"
    assert every.maximum_requests is None


def test_a_second_load_changes_nothing(tmp_path: Path) -> None:
    load(tmp_path)
    before = list(Postback.objects.order_by("id").values())

    assert load(tmp_path) == f"Nothing to change: {ROWS} unchanged.\n"
    assert list(Postback.objects.order_by("id").values()) == before


def test_a_dry_run_shows_the_changes_and_writes_nothing(tmp_path: Path) -> None:
    printed = load(tmp_path, CONFIG, "--dry-run")

    assert "+ partner Pine Weekly (60)" in printed.splitlines()
    assert printed.splitlines()[-1].startswith(f"Dry run, nothing was written. It would be: {ROWS} created")
    assert count_rows() == 0


def test_a_change_is_shown_as_old_and_new(tmp_path: Path) -> None:
    load(tmp_path)
    changed = edited("maximum_requests: 20", "maximum_requests: 30").replace("minimum_delay: 1h 30m\n", "\n")

    printed = load(tmp_path, changed)

    assert printed.splitlines() == [
        "~ postback “orders” of Pine Weekly (60)",
        "    minimum_delay: '1h 30m' -> (not set)",
        "    maximum_requests: 20 -> 30",
        f"0 created, 1 changed, 0 deleted, {ROWS - 1} unchanged.",
    ]
    orders = Postback.objects.get(name="orders")
    assert (orders.maximum_requests, orders.minimum_delay_seconds) == (30, 0)


def test_ids_that_the_database_gives_later_do_not_meet_those_of_the_file(tmp_path: Path) -> None:
    high = max(make_program().pk, make_partner().pk, make_tracker().pk) + 1_000
    text = "".join(
        f"{name}:\n  - {{id: {high}, name: high {name}{currency}}}\n"
        for name, currency in [("programs", ", currency: USD"), ("partners", ", currency: USD"), ("media_sources", "")]
    )
    load(tmp_path, text)

    assert Program.objects.create(name="next", currency="USD").pk > high
    assert Partner.objects.create(name="next", currency="USD").pk > high
    assert MediaSource.objects.create(name="next").pk > high


def test_loading_low_ids_never_turns_a_counter_back(tmp_path: Path) -> None:
    before = make_program().pk
    load(tmp_path, f"programs: [{{id: {before + 1_000}, name: Low, currency: USD}}]")
    Program.objects.filter(pk=before + 1_000).delete()
    load(tmp_path, f"programs: [{{id: {before + 5}, name: Lower, currency: USD}}]")

    assert make_program().pk > before + 1_000


def test_json_is_read_too_with_tabs_and_escapes(tmp_path: Path) -> None:
    document = yaml.load(CONFIG, yaml.BaseLoader)  # noqa: S506 -- makes texts only
    document["programs"][0]["name"] = "Zelte 🏕 & mehr"
    document["partners"][0]["postbacks"][1]["install"] = True

    load(tmp_path, json.dumps(document, indent="\t", default=str))

    assert Program.objects.get().name == "Zelte 🏕 & mehr"
    assert Postback.objects.count() == 3


def test_standard_input_is_a_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"programs: [{id: 9, name: A, currency: USD}]")))

    call_command("load_config", "-", stdout=io.StringIO())

    assert Program.objects.get().pk == 9


def test_anchors_and_merges_save_repeating(tmp_path: Path) -> None:
    text = """
programs:
  - {id: 1, name: A, currency: USD, action_trackers: [{id: 2, name: T}]}
media_sources:
  - id: 3
    name: M
    postbacks:
      - &first {name: one, action_tracker: 2, url: "https://one.example/", maximum_requests: 7}
      - {<<: *first, name: two}
"""
    load(tmp_path, text)

    assert list(Postback.objects.order_by("id").values_list("name", "maximum_requests")) == [("one", 7), ("two", 7)]


def test_a_part_of_the_configuration_may_refer_to_what_is_in_the_database(tmp_path: Path) -> None:
    load(tmp_path)
    text = """
partners:
  - id: 61
    name: Fir Monthly
    currency: USD
    contracts: [{program: 50, start: 2026-05-01, terms: [{action_tracker: 51, payout: 1}]}]
    postbacks: [{name: x, action_tracker: 51, url: "https://fir.example/"}]
"""
    assert load(tmp_path, text).splitlines()[-1] == "4 created, 0 changed, 0 deleted, 0 unchanged."
    assert Partner.objects.count() == 2


def test_a_contract_that_ends_earlier_makes_room_for_the_next_wherever_it_stands(tmp_path: Path) -> None:
    load(tmp_path)
    renewed = edited(
        '      - program: 50\n        start: "2026-01-15"\n        end: 2026-12-31\n',
        "      - {program: 50, start: 2026-07-01, terms: [{action_tracker: 51, payout: 1}]}\n"
        "      - program: 50\n        start: 2026-01-15\n        end: 2026-06-30\n",
    )

    load(tmp_path, renewed)

    dates = list(Contract.objects.order_by("start").values_list("start", "end"))
    assert dates == [(date(2026, 1, 15), date(2026, 6, 30)), (date(2026, 7, 1), None)]


def test_a_deleted_postback_is_set_up_anew_and_not_brought_back(tmp_path: Path) -> None:
    load(tmp_path)
    load(tmp_path, "{}", "--prune", "--dry-run")
    old = Postback.objects.get(name="orders")
    Postback.objects.filter(pk=old.pk).update(deleted_at=old.created_at)

    assert "1 created" in load(tmp_path).splitlines()[-1]
    assert Postback.objects.existing().get(name="orders").pk != old.pk


def test_names_can_change_places(tmp_path: Path) -> None:
    partners = "partners: [{id: 1, name: %s, currency: USD}, {id: 2, name: %s, currency: USD}]"
    load(tmp_path, partners % ("A", "B"))

    load(tmp_path, partners % ("B", "A"))

    assert dict(Partner.objects.values_list("id", "name")) == {1: "B", 2: "A"}


def test_a_body_may_repeat_a_name_as_a_list(tmp_path: Path) -> None:
    body = {"method": "POST", "body_format": "querystring", "body": [{"id": "{Oid}"}, {"id": "{ActionId}"}]}
    postback: dict[str, Any] = {"name": "x", "action_tracker": 2, "url": "https://a.example/", **body}
    document = {
        "programs": [{"id": 1, "name": "A", "currency": "USD", "action_trackers": [{"id": 2, "name": "T"}]}],
        "media_sources": [{"id": 3, "name": "M", "postbacks": [postback]}],
    }

    load(tmp_path, json.dumps(document))

    assert Postback.objects.get().body_pairs == [["id", "{Oid}"], ["id", "{ActionId}"]]


def test_the_documentation_names_every_key_and_its_example_loads(tmp_path: Path) -> None:
    text = (BASE_DIR / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0]

    missing = [name for name in sorted(names_of(DOCUMENT)) if f"`{name}`" not in text]

    assert missing == []
    assert load(tmp_path, example).splitlines()[-1] == "16 created, 0 changed, 0 deleted, 0 unchanged."


def test_the_example_of_a_move_loads(tmp_path: Path) -> None:
    text = (BASE_DIR / "docs" / "moving.md").read_text(encoding="utf-8")
    example = textwrap.dedent(text.partition("```yaml\n")[2].partition("```")[0])

    assert load(tmp_path, example).splitlines()[-1] == "6 created, 0 changed, 0 deleted, 0 unchanged."


def names_of(kind: EntryKind) -> set[str]:
    """Every key of a kind of entry, and of the entries below it."""
    keys = set() if kind.scalar else {key.name for key in kind.keys}
    return keys.union(kind.lists, *(names_of(below) for below in kind.lists.values()))


def test_event_types_may_swap_their_codes(tmp_path: Path) -> None:
    def text(first: str, second: str) -> str:
        return f"""
programs:
  - id: 50
    name: Lakeside
    currency: USD
    action_trackers:
      - {{id: 51, name: Sale, code: {first}}}
      - {{id: 52, name: Lead, code: {second}}}
"""

    load(tmp_path, text("SALE", "LEAD"))

    assert "code: 'SALE' -> 'LEAD'" in load(tmp_path, text("LEAD", "SALE"))
    assert list(ActionTracker.objects.order_by("id").values_list("code", flat=True)) == ["LEAD", "SALE"]
    assert "unchanged" in load(tmp_path, text("LEAD", "SALE"))


def test_a_program_says_how_long_early_changes_wait(tmp_path: Path) -> None:
    def text(minutes: str) -> str:
        return f"programs: [{{id: 50, name: Lakeside, currency: USD, early_changes_minutes: {minutes}}}]"

    load(tmp_path, text("15"))
    assert Program.objects.get().early_changes_minutes == 15
    assert "unchanged" in load(tmp_path, text("15"))
    with pytest.raises(CommandError, match="10080"):
        load(tmp_path, text("10081"))
