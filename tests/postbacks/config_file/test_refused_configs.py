"""What a configuration file may not say, and where it is told: nothing of such a file is written."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from partners.models import ActionTracker, Program
from tests.support.config_files import CONFIG, count_rows, edited, load, place, problems

pytestmark = pytest.mark.django_db

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
