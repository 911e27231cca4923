"""The check of locked packages against known vulnerabilities, as `.ci/run` starts it."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from environment.variables import BASE_DIR

FINE = {"name": "orjson", "version": "3.11", "vulns": []}
BAD = {"name": "idna", "version": "3.6", "vulns": [{"id": "PYSEC-2024-60", "fix_versions": ["3.7"]}]}
UNKNOWN = {"name": "tqdm", "skip_reason": "Dependency not found on PyPI and could not be audited: tqdm (4.70.1)"}


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", BASE_DIR / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([], 0, "pip-audit: skipped, the advisories could not be reached.\n"),
        ([UNKNOWN], 0, "pip-audit: skipped, the advisories could not be reached.\n"),
        ([FINE], 0, "pip-audit: 0 of 1 packages vulnerable.\n"),
        (
            [FINE, BAD, UNKNOWN],
            1,
            """idna 3.6: PYSEC-2024-60, fixed in 3.7
pip-audit: 1 of 2 packages vulnerable.
pip-audit: not looked up: tqdm
""",
        ),
    ],
)
def test_a_known_vulnerability_fails_and_a_missing_network_does_not(
    audit: Any, packages: list[Any], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    audit.audited = lambda: packages
    assert audit.main() == status
    assert capsys.readouterr().out == said


@pytest.mark.worker
def test_without_pip_audit_nothing_is_looked_up(audit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit.sys, "executable", "/bin/true")
    assert audit.audited() == []
