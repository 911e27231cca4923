"""Writes down how a run of tests went, for those who decide what follows: `-p tests.support.outcomes --outcomes=FILE`,
in one word, because pytest looks for its settings beside all paths before it knows the option.

The file is written by the process that hands out the tests, at the end, as `Outcomes` in JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Outcomes:
    """`passed` and `failed` are ids of tests; one whose set-up or end fails has failed, whatever its call did.

    `broken` says in words what is no failure of a test: a file that cannot be collected, a process that crashed.
    `status` is pytest's own exit status.
    """

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    status: int = -1

    @classmethod
    def read(cls, file: Path) -> Outcomes:
        """Raises `OSError` or `ValueError` if no run has written the whole file."""
        kept = json.loads(file.read_text())
        return cls(set(kept["passed"]), set(kept["failed"]), kept["broken"], kept["status"])

    def write(self, file: Path) -> None:
        file.write_text(json.dumps({**asdict(self), "passed": sorted(self.passed), "failed": sorted(self.failed)}))


class Recorder:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._outcomes = Outcomes()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._outcomes.broken.append(f"{report.nodeid} could not be collected.")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._outcomes.failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self._outcomes.passed.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        self._outcomes.broken.append(f"A process crashed in {crashitem}.")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object) -> None:
        if error:
            self._outcomes.broken.append(f"A process that ran tests has ended: {error}")

    def pytest_internalerror(self, excrepr: object) -> None:
        self._outcomes.broken.append(f"pytest failed: {excrepr}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._outcomes.passed -= self._outcomes.failed
        self._outcomes.status = int(exitstatus)
        self._outcomes.write(self._file)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcomes", type=Path, help="write to this file how the tests went")


def pytest_configure(config: Any) -> None:
    file = config.getoption("--outcomes")
    if file is not None and not hasattr(config, "workerinput"):  # Not in a process that is handed tests.
        config.pluginmanager.register(Recorder(file.absolute()))
