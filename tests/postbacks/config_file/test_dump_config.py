"""Writing the configuration as a file: it loads back to itself, and people can read it."""

import io
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from partners.models import Partner, Program
from postbacks.config_file.dump import dump_config
from postbacks.config_file.load import load_config
from postbacks.lifecycle import delete_postback
from postbacks.models import Postback
from tests.support.config_files import ROWS, load
from tests.support.factories import make_media_source, make_postback, make_tracker

pytestmark = pytest.mark.django_db

AWKWARD = [
    "plain",
    "ends in a line end\n",
    "two\nlines",
    "two\n\n  lines, the last blank \n",
    "trailing blanks  \nin a line",
    "\n leading line end",
    "tab\tand \r\n carriage return",
    "yes",
    "0x1F",
    "2026-01-01",
    "~",
    "# no comment",
    "quotes \" and ' and \\",
    "São Paulo 🏕 \u2028 \x85",
    " - ? : , [ ] { } # & * ! | > ' \" % @ `",
]


def test_a_dump_loads_back_as_nothing_to_change(tmp_path: Path) -> None:
    load(tmp_path)

    outcome = load_config(dump_config(), prune=True)

    assert (outcome.changes, outcome.notes, outcome.unchanged) == ([], [], ROWS)


def test_a_dump_restores_an_empty_database(tmp_path: Path) -> None:
    load(tmp_path)
    dumped = dump_config()
    load(tmp_path, "{}", "--prune")
    assert not Program.objects.exists()

    load_config(dumped)

    assert dump_config() == dumped


def test_defaults_are_left_out_and_keys_keep_their_order(tmp_path: Path) -> None:
    load(tmp_path)

    document = yaml.safe_load(dump_config())

    assert list(document) == ["exchange_rates", "programs", "partners", "media_sources"]
    assert document["programs"][0]["action_trackers"][0] == {
        "id": 51,
        "name": "Shop order",
        "hidden_parameters": ["CustomerCity"],
    }
    assert document["partners"][0]["contracts"][0]["terms"][0] == {
        "action_tracker": 51,
        "payout": "7.5%",
        "monthly_payout_limit": "900.00",
    }
    assert list(document["partners"][0]["postbacks"][1]) == [
        *("name", "action_tracker", "event_trigger", "install", "in_app_event", "url", "method", "body_format", "body")
    ]


def test_texts_of_several_lines_are_blocks_and_urls_stay_on_one_line(tmp_path: Path) -> None:
    load(tmp_path)
    url = "https://pine.example/" + "a-long-path/" * 40 + "?id={ActionId} {Oid}"
    Postback.objects.filter(name="orders").update(url=url)

    lines = dump_config().splitlines()

    assert "        headers: |-" in lines
    assert "          X-Brand: lakeside" in lines
    assert f"        url: {url}" in lines
    assert "        minimum_delay: 1h 30m" in lines


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_survives(text: str) -> None:
    tracker = make_tracker()
    postback = make_postback(
        tracker,
        make_media_source(),
        method="POST",
        body_format="querystring",
        body_pairs=[[text.strip() or "key", text], ["second", "{Oid}"]],
        success_response="OK\n2xx",
    )

    outcome = load_config(dump_config())

    assert outcome.changes == []
    assert Postback.objects.get(pk=postback.pk).body_pairs == postback.body_pairs


@pytest.mark.parametrize("text", AWKWARD)
def test_any_raw_body_survives(text: str) -> None:
    make_postback(make_tracker(), make_media_source(), method="POST", body_format="xml", body_raw=text)

    assert load_config(dump_config()).changes == []


def test_names_that_repeat_in_a_body_survive() -> None:
    pairs = [["id", "{Oid}"], ["id", "{ActionId}"]]
    make_postback(make_tracker(), make_media_source(), method="POST", body_format="querystring", body_pairs=pairs)

    assert load_config(dump_config()).changes == []


def test_deleted_postbacks_are_left_out(tmp_path: Path) -> None:
    load(tmp_path)
    delete_postback(Postback.objects.get(name="orders"))

    dumped = yaml.safe_load(dump_config())

    assert [postback["name"] for postback in dumped["partners"][0]["postbacks"]] == ["app"]


def test_an_empty_database_is_a_file_that_loads() -> None:
    assert dump_config() == "{}\n"
    assert load_config(dump_config()).changes == []


def test_the_command_writes_to_a_file_or_to_standard_output(tmp_path: Path) -> None:
    Partner.objects.create(id=7, name="Pine", currency="USD")
    file, printed, said = tmp_path / "dump.yaml", io.StringIO(), io.StringIO()

    call_command("dump_config", stdout=printed)
    call_command("dump_config", str(file), stdout=said)

    assert printed.getvalue() == "partners:\n  - id: 7\n    name: Pine\n    currency: USD\n"
    assert file.read_text() == printed.getvalue()
    assert said.getvalue() == f"Wrote {file}.\n"


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"Cannot write .*: No such file or directory"):
        call_command("dump_config", str(tmp_path / "none" / "dump.yaml"))
