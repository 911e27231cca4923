"""The tests that documents name exist: docs/rules.md names file and function, the threat model either of them."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from environment.variables import BASE_DIR

TESTS = BASE_DIR / "tests"


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@cache
def named() -> dict[str, set[str]]:
    """By name and not by folder: readers look a test up by its name. Two files may share one."""
    tests: dict[str, set[str]] = {}
    for found in TESTS.rglob("test_*.py"):
        tests.setdefault(found.name, set()).update(functions(found))
    return tests


def missing(text: str) -> list[str]:
    """Return the tests in backticks that do not exist: `test_x.py::test_y`, `tests/test_x.py`, `test_y`."""
    every = set().union(*named().values())
    absent = []
    for file, function in re.findall(r"`(?:tests/)?(?:[a-z_]+/)*(test_\w+\.py)?(?:::)?(test_\w+)?`", text):
        known = named().get(file) if file else every
        if known is None or (function and function not in known):
            absent.append(f"{file}::{function}")
    return absent


def test_every_rule_has_its_test() -> None:
    text = (BASE_DIR / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| rule", "| ---"))]
    assert len(rows) > 50
    assert [row for row in rows if not re.search(r"`test_\w+\.py::test_\w+`", row)] == []
    assert missing(text) == []


def test_every_threat_has_its_test() -> None:
    assert missing((BASE_DIR / "THREAT_MODEL.md").read_text(encoding="utf-8")) == []


def test_a_name_that_is_wrong_is_noticed() -> None:
    here = "test_named_tests.py"
    assert missing(f"`{here}::test_every_rule_has_its_test`, `tests/x/{here}`, `test_every_rule_has_its_test`") == []
    assert missing(f"`{here}::test_gone`, `test_gone.py`, `test_nothing_of_the_kind`") == [
        f"{here}::test_gone",
        "test_gone.py::",
        "::test_nothing_of_the_kind",
    ]
