"""What `.ci/run` does about tests that failed: a few are run once more, alone, and nothing else can pass that way."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from environment.variables import BASE_DIR
from tests.support.outcomes import Outcomes

_TESTS = """
import os
import pathlib

import pytest

def test_that_passes(): pass

def test_that_fails_beside_others():
    once = pathlib.Path(__file__).with_name("once")
    assert once.exists() or once.touch()

@pytest.fixture
def thing():
    yield
    assert not os.environ.get("SPOIL")

def test_whose_end_fails(thing): pass
"""


@pytest.fixture(scope="module")
def once_more() -> ModuleType:
    spec = importlib.util.spec_from_file_location("once_more", BASE_DIR / ".ci" / "once_more.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def few(failed: int = 1, status: int = 1, broken: tuple[str, ...] = ()) -> Outcomes:
    return Outcomes({"t.py::passed"}, {f"t.py::test_{number}" for number in range(failed)}, list(broken), status)


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (few(1), None),
        (few(5), None),
        (few(6), "6 tests failed."),
        (few(0), "No test failed, so it is not known what went wrong."),
        (few(1, broken=("t.py could not be collected.",)), "t.py could not be collected."),
        (few(1, status=2), "pytest ended with status 2."),
    ],
)
def test_only_a_few_failures_are_run_again(once_more: ModuleType, run: Outcomes, reason: str | None) -> None:
    assert once_more.why_not(run) == reason


@pytest.mark.parametrize(
    ("again", "passed"),
    [
        (Outcomes({"t.py::test_0", "t.py::test_1"}, status=0), True),
        (Outcomes({"t.py::test_0"}, status=0), False),
        (Outcomes({"t.py::test_0"}, {"t.py::test_1"}, status=1), False),
        (Outcomes({"t.py::test_0", "t.py::test_1"}, broken=["A process crashed."], status=0), False),
        (Outcomes({"t.py::test_0", "t.py::test_2"}, status=0), False),
    ],
    ids=["all", "one skipped", "one again", "broken", "another one"],
)
def test_all_must_pass_alone(once_more: ModuleType, again: Outcomes, passed: bool) -> None:
    assert once_more.passed_alone(few(2), again) is passed


def run_in(folder: Path, *options: str, tests: str = _TESTS) -> Outcomes:
    (folder / "test_some.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.outcomes", f"--outcomes={folder / 'outcomes'}"]
    plain = ("-c", "/dev/null", "--rootdir", str(folder), "-p", "xdist", "-p", "no:cacheprovider")
    variables = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # Importing all of them takes seconds.
    subprocess.run(
        [*command, *plain, *options, str(folder)],
        cwd=BASE_DIR,
        env=variables,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    return Outcomes.read(folder / "outcomes")


@pytest.mark.parametrize("processes", ["0", "1"])
def test_what_failed_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: str) -> None:
    monkeypatch.setenv("SPOIL", "1")
    outcomes = run_in(tmp_path, "--numprocesses", processes)

    assert outcomes.passed == {"test_some.py::test_that_passes"}
    assert outcomes.failed == {"test_some.py::test_that_fails_beside_others", "test_some.py::test_whose_end_fails"}
    assert outcomes.broken == []
    assert outcomes.status == 1
    assert run_in(tmp_path, "--numprocesses", processes).failed == {"test_some.py::test_whose_end_fails"}


@pytest.mark.parametrize("processes", ["0", "1"])
def test_what_cannot_be_collected_is_no_failure_of_a_test(tmp_path: Path, processes: str) -> None:
    outcomes = run_in(tmp_path, "--numprocesses", processes, tests="import nothing_of_that_name")

    assert outcomes.broken
    assert set(outcomes.broken) == {"test_some.py could not be collected."}


def test_a_crash_is_no_failure_of_a_test(tmp_path: Path) -> None:
    crashing = "import os\ndef test_that_passes(): pass\ndef test_that_crashes(): os._exit(1)"
    outcomes = run_in(tmp_path, "--numprocesses", "1", tests=crashing)

    assert "A process crashed in test_some.py::test_that_crashes." in outcomes.broken


def test_a_run_that_did_not_come_to_its_end_fails(
    once_more: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_text("")

    assert once_more.main(tmp_path / "empty") == 1
    assert "The tests have not come to their end" in capsys.readouterr().err
    (tmp_path / "many").write_text(
        json.dumps({"passed": [], "failed": [f"t.py::{n}" for n in range(9)], "broken": [], "status": 1})
    )
    assert once_more.main(tmp_path / "many") == 1
    assert "9 tests failed." in capsys.readouterr().err
