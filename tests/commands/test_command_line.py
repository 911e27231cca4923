"""What every command does alike: exit codes, JSON, colours, a closed output, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import psycopg2
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.db.utils import OperationalError, ProgrammingError
from redis import RedisError

from commands import failing, terminal
from commands.base import Command
from commands.described import all_commands
from commands.exit_codes import ExitCode
from commands.failing import UsageError
from commands.progress import progress
from config import command_line
from environment.variables import BASE_DIR
from tests.support.patience import PATIENCE

WITHOUT_JSON = {
    "command_reference": "a document",
    "completion": "a script",
    "conversion_reference": "a document",
    "demo_traffic": "runs until Ctrl-C",
    "receive_postbacks": "runs until Ctrl-C; --log writes JSON",
    "receiver_guide": "a document",
    "template_reference": "a document",
    "up": "runs until Ctrl-C",
}


class Failing(Command):
    """Reports if it is told to, then fails as it is told."""

    json_keys = {"found": "what was found"}
    requires_system_checks: list[str] = []
    error: Exception | None = None
    reports = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--number", type=int)

    def handle(self, *_args: Any, **_options: Any) -> None:
        if self.reports:
            self.report({"found": 3}, "Found 3.")
        if self.error is not None:
            raise self.error


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failing, "_printed", [])
    monkeypatch.setattr(command_line, "get_commands", lambda: {"doctor": "operations", "failing": "tests"})
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, error: Exception | None = None, reports: bool = False) -> int:
    """The exit code of the command `failing`, or of another that is named, without servers."""
    command = Failing()
    command.error, command.reports = error, reports
    monkeypatch.setattr(command_line, "load_command_class", lambda _app, _name: command)
    monkeypatch.setattr(command_line, "run_with_services", command.run_from_argv)
    try:
        command_line.run(["/usr/bin/partner-postbacks", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (CommandError("No."), 1, "No."),
        (CommandError("Two\nlines.", returncode=7), 7, "Two\nlines."),
        (UsageError("Name one."), 2, "Name one."),
        (ImproperlyConfigured("Set SECRET_KEY."), 3, "Set SECRET_KEY."),
        (OperationalError("connection refused"), 4, "The database does not answer: connection refused"),
        (psycopg2.OperationalError("no\n answer"), 4, "The database does not answer: no answer"),
        (RedisError("away"), 4, "Redis does not answer: away"),
        (psycopg2.errors.UndefinedColumn('column "x" does not exist\nLINE 1'), 3, "The database lacks migrations: run"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_a_failure_is_told_in_text_or_in_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int, told: str
) -> None:
    assert run(monkeypatch, "failing", error=error) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"Error: {told}")

    assert run(monkeypatch, "failing", "--json", error=error) == code
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert answer["exit_code"] == code
    assert answer["error"].startswith(told)
    assert printed.err == ""


def test_an_error_of_a_query_is_a_fault_and_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProgrammingError):
        run(monkeypatch, "failing", error=ProgrammingError("syntax error"))


def test_a_report_and_then_a_failure_are_one_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "failing", "--json", error=CommandError("No."), reports=True) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"found": 3}
    assert printed.err == "Error: No.\n"


def test_a_key_that_is_not_documented_is_refused() -> None:
    with pytest.raises(AssertionError, match="json_keys do not say what lost holds"):
        Failing().report({"lost": 1}, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["docto"], "There is no command 'docto'. Did you mean doctor?"),
        (["-x"], "There is no command '-x'."),
        (["help", "docto"], "There is no command 'docto'. Did you mean doctor?"),
        (["failing", "--lost"], "unrecognized arguments: --lost"),
        (["failing", "--number", "many"], "argument --number: invalid int value: 'many'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_2_and_starts_no_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    # What the command itself would raise shows that it was not reached.
    assert run(monkeypatch, *arguments, error=RedisError("reached")) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert told in printed.err
    assert printed.out == ""
    assert run(monkeypatch, *arguments, "--json") == ExitCode.USAGE
    printed = capsys.readouterr()
    assert told in json.loads(printed.out)["error"]
    assert printed.err == ""


@pytest.mark.parametrize(
    ("variables", "argv", "added"),
    [
        ({}, ["doctor"], []),
        ({"NO_COLOR": "1"}, ["doctor"], ["--no-color"]),
        ({"NO_COLOR": ""}, ["doctor"], []),
        ({"FORCE_COLOR": "1"}, ["doctor"], ["--force-color"]),
        ({"FORCE_COLOR": "1", "NO_COLOR": "0"}, ["doctor"], ["--no-color"]),
        ({"NO_COLOR": "1"}, ["doctor", "--force-color"], []),
        ({"FORCE_COLOR": "1"}, ["doctor", "--no-color"], []),
        ({"NO_COLOR": "1"}, ["help", "doctor"], []),
        ({"NO_COLOR": "1"}, ["--version"], []),
        ({"NO_COLOR": "1"}, [], []),
    ],
    ids=lambda value: "+".join(value) or "none",
)
def test_the_environment_stands_for_an_option_of_colours(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], argv: list[str], added: list[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    expected = ["manage.py", *argv[:1], *added, *argv[1:]]
    assert terminal.heed_variables(["manage.py", *argv]) == expected


@pytest.mark.parametrize(
    ("variables", "on_terminal", "has"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_a_terminal_has_colours_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], on_terminal: bool, has: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: on_terminal)
    assert terminal.coloured(sys.stdout) is has


@pytest.mark.parametrize(
    ("option", "before", "after"),
    [("--no-color", "FORCE_COLOR", "NO_COLOR"), ("--force-color", "NO_COLOR", "FORCE_COLOR")],
)
def test_an_option_of_colours_counts_for_messages_and_programs_too(
    monkeypatch: pytest.MonkeyPatch, option: str, before: str, after: str
) -> None:
    monkeypatch.setattr(os, "environ", {before: "1"})
    terminal.remember_options(["manage.py", "doctor", option])
    assert os.environ == {after: "1"}
    assert bool(terminal.painter(sys.stderr).ERROR("no") != "no") is (after == "FORCE_COLOR")


def test_a_progress_bar_is_only_for_a_terminal_and_never_beside_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for on_terminal, as_json, shown in ((True, False, True), (True, True, False), (False, False, False)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda on=on_terminal: on)
        with progress(3, what="reports", as_json=as_json) as bar:
            bar.update(3)
        printed = capsys.readouterr()
        assert ("reports" in printed.err) is shown
        assert printed.out == ""


def test_every_command_of_the_project_reports_as_json_or_has_a_reason_not_to() -> None:
    """A new one extends `commands.base.Command` and has `json_keys`; or its reason is in WITHOUT_JSON."""
    packages = {path.parent.name for path in BASE_DIR.glob("*/__init__.py")}
    ours = [each for each in all_commands() if type(each.command).__module__.split(".")[0] in packages]
    assert [each.name for each in ours if not each.is_ours] == []
    silent = {each.name for each in ours if not getattr(each.command, "json_keys", None) and not _always(each.command)}
    assert silent == set(WITHOUT_JSON)


def _always(command: Any) -> bool:
    return bool(command.always_json)


def start(*arguments: str, **streams: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.Popen(command, cwd=BASE_DIR, text=True, stderr=subprocess.PIPE, **streams)


def test_a_reader_that_ends_first_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with start("template_reference", stdout=writer) as process:
        os.close(writer)
        _, complaint = process.communicate(timeout=PATIENCE * 60)
    assert (process.returncode, complaint) == (ExitCode.OUTPUT_CLOSED, "")


INTERRUPTED_WHILE_LOADING = """
import os, signal, sys
class Interrupts:
    def find_spec(self, name, *_):
        if name == "config":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
sys.argv = ["partner-postbacks", "version"]
from commands.start import main
main()
"""


def test_ctrl_c_leaves_no_traceback_while_the_program_is_loaded() -> None:
    command = [sys.executable, "-c", INTERRUPTED_WHILE_LOADING]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
