"""`manage.py convert_template`: what it prints where, and its exit status."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.command_line import needs_services

URL = "https://partner.example/pb"


def run(*arguments: str, **options: Any) -> tuple[str, str, int]:
    """What was printed to standard output and error, and the exit status."""
    out, error, status = io.StringIO(), io.StringIO(), 0
    try:
        call_command("convert_template", *arguments, stdout=out, stderr=error, **options)
    except SystemExit as exited:
        status = int(exited.code or 0)
    except CommandError as refused:
        error.write(str(refused))
        status = refused.returncode
    return out.getvalue(), error.getvalue(), status


def test_the_result_is_printed_alone_and_all_else_apart() -> None:
    out, error, status = run("--from", "everflow", f"{URL}?c={{sub1}}&p={{payout_amount}}")
    assert (out, status) == (f"{URL}?c={{SubId1}}&p={{Payout}}\n", 0)
    assert error.startswith("From Everflow.\nTranslated:\n  {sub1} → {SubId1}\n  {payout_amount} → {Payout}\n")
    assert "To do, or to check:\n  {SubId1} is what the partner puts" in error


def test_what_is_left_makes_another_status_and_is_told() -> None:
    out, error, status = run("--from", "everflow", f"{URL}?c={{sub1}}&x={{sub7}}")
    assert (out, status) == (f"{URL}?c={{SubId1}}&x={{sub7}}\n", 1)
    assert "Left as it stands, since nothing says the same:\n  {sub7}: What the partner put into sub7" in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "everflow", ""), "There is nothing to convert"),
        ((f"{URL}?c={{sub1}}",), "several networks: Everflow, Affise"),
        (
            ("--from", "everflow", "partner.example/{sub1}"),
            "The result cannot be saved: partner.example/{SubId1}\nurl: A URL",
        ),
        (("--from", "impact", f"{URL}?c={{Oid}}&p={{Payuot}}"), "Did you mean {Payout}?"),
    ],
)
def test_bad_input_prints_no_result(arguments: tuple[str, ...], said: str) -> None:
    out, error, status = run(*arguments)
    assert (out, status) == ("", 2)
    assert said in error


def test_a_guessed_network_is_named() -> None:
    _out, error, status = run(f"{URL}?c=#s2#")
    assert status == 0
    assert error.startswith("From CAKE, which its macros tell; name another with --from.\n")


def test_a_url_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{URL}?c=#s2#\n"))
    assert run("-")[0] == f"{URL}?c={{SubId2}}\n"


def test_a_whole_request_is_printed_in_its_order() -> None:
    out, _error, status = run(
        "--from",
        "affise",
        URL,
        "--header",
        "X-Pay: {sum}",
        "--body",
        '{"o": "{transactionid}"}',
        "--body-format",
        "json",
    )
    assert (out, status) == (f'{URL}\nX-Pay: {{Payout}}\n\n{{"o": "{{Oid}}"}}\n', 0)


def test_everything_is_printed_as_json() -> None:
    out, error, status = run("--from", "cake", "--json", f"{URL}?c=#oid#&x=#campid#")
    answer = json.loads(out)
    assert (error, status) == ("", 1)
    assert answer["url"] == f"{URL}?c={{CampaignId}}&x=#campid#"
    assert (answer["network"], answer["was_guessed"]) == ("cake", False)
    assert answer["translations"][0]["written"] == "#oid#"
    assert answer["left"][0]["written"] == "#campid#"


def test_problems_of_the_result_are_in_the_json_too() -> None:
    out, _error, status = run("--from", "cake", "--json", "partner.example/#s1#")
    assert status == 2
    assert json.loads(out)["problems"]["url"][0].startswith("A URL begins with")


@pytest.mark.parametrize("command", ["convert_template", "conversion_reference"])
def test_no_server_is_started_for_it(command: str) -> None:
    assert not needs_services([command, "--from", "cake", f"{URL}?c=#s2#"])
    assert needs_services(["postback_status"])
