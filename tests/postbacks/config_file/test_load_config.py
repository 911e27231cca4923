"""Loading a configuration file: what it writes, what it refuses, and what it leaves alone."""

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
from django.db.models import Model

from environment.variables import BASE_DIR
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Contract, ContractTerm, ExchangeRate, InAppEvent, Partner, Program
from postbacks.config_file.dump import dump_config
from postbacks.config_file.keys import DOCUMENT, EntryKind
from postbacks.models import Delivery, Postback
from tests.support.config_files import CONFIG, ROWS, load, problems
from tests.support.factories import make_partner, make_program, make_tracker, record_action

pytestmark = pytest.mark.django_db

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


WRONG: list[tuple[str, str, str, str]] = [
    (
        "kind: mobile_app",
        "kind: tablet",
        "programs[0].action_trackers[1].kind",
        '"tablet" is not allowed. Choose from web, mobile_app.',
    ),
    ("minimum_delay:", "minimun_delay:", "partners[0].postbacks[0].minimun_delay", "Did you mean minimum_delay?"),
    ("media_sources:", "media_source:", "media_source", "Unknown key. Did you mean media_sources?"),
    ("[CustomerCity]", "[CustomerCitty]", "programs[0].action_trackers[0].hidden_parameters", "Did you mean Customer"),
    ('start: "2026-01-15"', "start: 15.1.2026", "partners[0].contracts[0].start", '"15.1.2026" is not a date.'),
    ("end: 2026-12-31", "end: 2025-12-31", "partners[0].contracts[0].end", "A contract cannot end before it starts."),
    ('payout: "7.5%"', 'payout: "7,5%"', "partners[0].contracts[0].terms[0].payout", '"7,5%" is not a payout.'),
    ('payout: "7.5%"', 'payout: "-1"', "partners[0].contracts[0].terms[0].payout", "greater than or equal to 0"),
    (
        "action_tracker: 51, p",
        "action_tracker: 59, p",
        "partners[0].contracts[0].terms[0].action_tracker",
        "no event t",
    ),
    ("install: yes", "install: maybe", "partners[0].postbacks[1].install", "This must be true or false."),
    ("in_app_event: NO", "in_app_event: SAEL", "partners[0].postbacks[1].in_app_event", "Did you mean SALE?"),
    ("minimum_delay: 1h 30m", "minimum_delay: 31d", "partners[0].postbacks[0].minimum_delay", "at most 30 days (30d)"),
    ("maximum_requests: 20", "maximum_requests: 0", "partners[0].postbacks[0].maximum_requests", "greater than or eq"),
    ("maximum_requests: 20", "maximum_requests: 2.5", "partners[0].postbacks[0].maximum_requests", "not a whole num"),
    ("error_response: /denied/i", "error_response: /(/", "partners[0].postbacks[0].error_response", "Line 1: "),
    ("id={ActionId}&pay", "id={ActoinId}&pay", "partners[0].postbacks[0].url", "Did you mean {ActionId}?"),
    (
        "scope: involved",
        "scope: none",
        "media_sources[0].postbacks[0].scope",
        '"none" is not allowed. Choose from all, involved.',
    ),
    ('rate: "1.25"', "rate: 0", "exchange_rates[0]", "rate"),
    ("currency: GBP\n", "currency: gbp\n", "partners[0].currency", "A currency is three capital letters, such as USD."),
    ("  - id: 60\n", "  - id: sixty\n", "partners[0].id", '"sixty" is not a whole number.'),
]


@pytest.mark.parametrize(("old", "new", "path", "message"), WRONG)
def test_each_mistake_is_told_with_its_place_and_nothing_is_written(
    tmp_path: Path, old: str, new: str, path: str, message: str
) -> None:
    text = edited(old, new)

    found = problems(tmp_path, text)

    assert len(found) == 1, found
    assert found[0].startswith(f"{path}, line "), found
    assert message in found[0]
    assert count_rows() == 0


def test_the_line_is_that_of_the_key(tmp_path: Path) -> None:
    text = edited("kind: mobile_app", "kind: tablet")

    found = problems(tmp_path, text)

    where = place(text, "programs[0].action_trackers[1].kind", "tablet")
    assert found == [f'{where}: "tablet" is not allowed. Choose from web, mobile_app.']


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = CONFIG
    for old, new in [
        ("name: Lakeside Tents\n    currency: USD", "nmae: Lakeside Tents\n    currency: usd"),
        ("name: Shop order\n", "name: Shop order\n        dedup_window_days: 0\n"),
        ("program: 50", "program: 500"),
        ("{ActionId}&pay", "{ActionIdd}&pay"),
        ("2xx\n", "999\n"),
        ("method: post", "method: put"),
        ("<id>{ActionId}</id>", "<id>{Nope}</id>"),
    ]:
        text = text.replace(old, new, 1)

    found = [problem.partition(", line")[0] for problem in problems(tmp_path, text)]

    assert found == [
        "programs[0]",  # The name is missing …
        "programs[0].nmae",  # … because of this.
        "programs[0].currency",
        "programs[0].action_trackers[0].dedup_window_days",
        "partners[0].contracts[0].program",
        "partners[0].postbacks[0].url",
        "partners[0].postbacks[0].success_response",
        "partners[0].postbacks[1].method",
        "media_sources[0].postbacks[0].body_raw",
    ]
    assert count_rows() == 0


def test_a_partner_postback_needs_a_term_in_the_contracts_as_the_file_leaves_them(tmp_path: Path) -> None:
    text = edited('          - {action_tracker: 51, payout: "7.5%", monthly_payout_limit: "900"}\n', "")

    found = problems(tmp_path, text)

    assert len(found) == 1
    assert found[0].startswith(place(text, "partners[0].postbacks[0].action_tracker", "name: orders")[:-2])
    assert "holds the event type Shop order (51). Its contracts hold Trail app (52)." in found[0]


def test_pruning_the_term_of_a_postback_is_refused(tmp_path: Path) -> None:
    load(tmp_path)
    text = edited('          - {action_tracker: 51, payout: "7.5%", monthly_payout_limit: "900"}\n', "")

    assert load(tmp_path, text).endswith("unchanged.\n")
    assert "holds the event type Shop order (51)" in problems(tmp_path, text, "--prune")[0]
    assert count_rows() == ROWS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: The file is empty. Write `{}` if that is intended."),
        (
            "programs: a: b",
            "line 1: This is not valid YAML, column 12: mapping values are not allowed in this context.",
        ),
        ("programs:\n  - id: 1\n   name: x", "line 3: This is not valid YAML, column "),
        ("a: 1\n---\nb: 2", "line 2: This is not valid YAML, column 1: "),
        ("- 1", "line 1: This must be a mapping with the keys of a file: exchange_rates, programs, "),
        ("programs: {id: 1}", "programs, line 1: This must be a list of programs, each after a dash."),
        ("programs: [7]", "programs[0], line 1: This must be a mapping with the keys of a program: id, name, currency"),
        ("programs: &a [*a]", "programs[0], line 1: This part contains itself through an alias."),
        ('media_sources: [{id: 1, name: "a\\0"}]', "media_sources[0].name, line 1: The character U+0000 cannot be st"),
        ("{[1]: 2}", "line 1: A key must be a plain string."),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    found = problems(tmp_path, text)

    assert len(found) == 1, found
    assert found[0].startswith(message)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = edited("maximum_requests: 20", "maximum_requests: 20\n        maximum_requests: 30")

    assert problems(tmp_path, text)[0].startswith(
        f"{place(text, 'partners[0].postbacks[0].maximum_requests', 'maximum_requests: 30')}: This key is given twice"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: 52", "id: 51", "This event type is given twice, first in programs[0].action_trackers[0], line "),
        ("name: app\n", "name: orders\n", "This postback is given twice, first in partners[0].postbacks[0], line "),
        ('[INSTALL, "NO", SALE]', "[INSTALL, SALE, SALE, 'NO']", "This in-app event is given twice, first in programs"),
    ],
)
def test_an_entry_that_stands_twice_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert any(message in problem for problem in problems(tmp_path, edited(old, new)))


def test_an_event_type_cannot_move_to_another_program(tmp_path: Path) -> None:
    load(tmp_path)

    found = problems(tmp_path, "programs: [{id: 55, name: B, currency: USD, action_trackers: [{id: 51, name: T}]}]")

    message = "Event type Shop order (51) belongs to program Lakeside Tents (50). Give this one another id."
    assert found == [f"programs[0].action_trackers[0].id, line 1: {message}"]
    assert not Program.objects.filter(pk=55).exists()


def test_an_app_cannot_become_a_web_event_type_under_its_postbacks(tmp_path: Path) -> None:
    load(tmp_path)
    text = "programs: [{id: 50, name: A, currency: USD, action_trackers: [{id: 52, name: Trail app, kind: web}]}]"

    found = problems(tmp_path, text)

    assert [problem.partition(", line")[0] for problem in found] == ["programs[0].action_trackers[0].kind"] * 3
    assert "It has in-app events (INSTALL, NO, SALE), which only a mobile app can have." in found[0]
    assert ActionTracker.objects.get(pk=52).is_mobile_app


def test_without_prune_nothing_is_removed(tmp_path: Path) -> None:
    load(tmp_path)

    assert load(tmp_path, "{}") == "Nothing to change: 0 unchanged.\n"
    assert count_rows() == ROWS


def test_prune_deletes_what_the_file_does_not_name(tmp_path: Path) -> None:
    load(tmp_path)
    text = "programs: [{id: 50, name: Lakeside Tents, currency: USD, action_trackers: [{id: 51, name: Shop order}]}]"

    dry = load(tmp_path, text, "--prune", "--dry-run")
    assert count_rows() == ROWS
    printed = load(tmp_path, text, "--prune")

    assert "- postback “orders” of Pine Weekly (60)" in printed.splitlines()
    assert printed.splitlines()[-1] == f"0 created, 1 changed, {ROWS - 2} deleted, 1 unchanged."
    assert dry.splitlines()[:-1] == printed.splitlines()[:-1]
    assert count_rows() == 2
    assert load(tmp_path, text, "--prune") == "Nothing to change: 2 unchanged.\n"


def test_prune_keeps_what_is_needed_and_says_so(tmp_path: Path) -> None:
    load(tmp_path)
    record_action(ActionTracker.objects.get(pk=51), Partner.objects.get(pk=60), EventDate="2026-06-01T00:00:00Z")

    printed = load(tmp_path, "{}", "--prune").splitlines()

    assert "Kept program Lakeside Tents (50): it is used by event types, contracts, actions." in printed
    assert any(line.startswith("Kept contract term for Shop order (51) of Pine Weekly (60)") for line in printed)
    assert set(Program.objects.values_list("pk", flat=True)) == {50}
    assert set(ActionTracker.objects.values_list("pk", flat=True)) == {51}
    assert set(Partner.objects.values_list("pk", flat=True)) == {60}
    assert not Postback.objects.existing().exists()


def test_prune_cancels_what_waits_and_says_how_many(tmp_path: Path) -> None:
    load(tmp_path)
    event = record_action(
        ActionTracker.objects.get(pk=51), Partner.objects.get(pk=60), EventDate="2026-06-01T00:00:00Z"
    )
    orders = Postback.objects.get(name="orders")
    Delivery.objects.filter(postback=orders).delete()
    delivery = Delivery.objects.create(postback=orders, event=event, action=event.action, due_at=event.recorded_at)

    printed = load(tmp_path, "{}", "--prune").splitlines()

    position = printed.index("- postback “orders” of Pine Weekly (60)")
    assert printed[position + 1] == "    waiting deliveries cancelled: 1"
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.CANCELLED
    assert Postback.objects.get(pk=orders.pk).deleted_at is not None


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


@pytest.mark.parametrize(
    ("data", "message"),
    [(None, "Cannot read"), (b"programs: []\nname: \xff", "line 2: not UTF-8. Save the file as UTF-8.")],
)
def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path, data: bytes | None, message: str) -> None:
    file = tmp_path / "config.yaml"
    if data is not None:
        file.write_bytes(data)

    with pytest.raises(CommandError, match=message):
        call_command("load_config", str(file))


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


CONDITIONAL = CONFIG.replace(
    "        minimum_delay: 1h 30m\n",
    """\
        minimum_delay: 1h 30m
        conditions_match: any
        conditions:
          - {parameter: Amount, operator: at least, value: 50}
          - {parameter: items.cat, operator: one of, values: [Tents, "Stoves, small"], items: every}
          - {parameter: Note, operator: is not empty}
""",
)


def test_conditions_are_loaded_and_dumped_as_they_were(tmp_path: Path) -> None:
    load(tmp_path, CONDITIONAL)
    postback = Postback.objects.get(name="orders")
    assert postback.conditions_match == "any"
    assert postback.conditions == [
        {"parameter": "Amount", "operator": "at least", "values": ["50"]},
        {"parameter": "items.cat", "operator": "one of", "values": ["Tents", "Stoves, small"], "items": "every"},
        {"parameter": "Note", "operator": "is not empty", "values": []},
    ]
    dumped = dump_config()
    load(tmp_path, dumped.replace("value: '50'", "value: 60"))
    assert Postback.objects.get(name="orders").conditions[0]["values"] == ["60"]
    load(tmp_path, dumped)
    assert Postback.objects.get(name="orders").conditions == postback.conditions
    load(tmp_path, CONFIG)
    assert Postback.objects.get(name="orders").conditions == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("value: 50", "value: fifty", "Condition 1: Amount: “fifty” is not a number"),
        ("parameter: Amount", "parameter: Amoumt", "“Amoumt” is not a parameter. Did you mean Amount?"),
        ("parameter: Note", "parameter: CustomerCity", "The event type hides CustomerCity"),
        ("operator: at least", "operator: gte", "“gte” is no operator. Choose from: is, is not"),
        ("value: 50", "valuee: 50", "Condition 1: Unknown key valuee. Did you mean value?"),
        ("value: 50", "value: 50, values: [50]", "Condition 1: Give either value or values."),
        ("conditions_match: any", "conditions_match: some", '"some" is not allowed. Choose from all, any.'),
        ("          2xx\n", "          2xxx\n", "2xxx looks like a status and is none. Write 2xx"),
    ],
)
def test_what_is_wrong_with_conditions_and_rules_is_told(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in CONDITIONAL
    (problem,) = problems(tmp_path, CONDITIONAL.replace(before, after, 1))
    assert message in problem
