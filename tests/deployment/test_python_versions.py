"""What every Python from 3.11 on must do alike, asked of each that is on this machine."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from re import _constants as regex_words
from re import _parser as regex_parser
from typing import Any

import idna
import pytest

from environment.variables import BASE_DIR

# A distribution's own Python is often an early one of its series: Debian 12 has 3.11.2.
INTERPRETERS = (sys.executable, "/usr/bin/python3", *(f"python3.{minor}" for minor in range(11, 15)))
ONE_CHARACTER = {regex_words.IN, regex_words.LITERAL, regex_words.NOT_LITERAL, regex_words.ANY}


@pytest.mark.parametrize("name", INTERPRETERS)
def test_templates_are_read_as_they_are_written(name: str) -> None:
    program = next(filter(works, programs(name)), None)
    if program is None:
        pytest.skip(f"No {name} was found that starts and is 3.11 or later.")
    variables = os.environ | {"PYTHONPATH": str(Path(idna.__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(program), "-m", "tests.support.scanners"]
    done = subprocess.run(
        command, cwd=BASE_DIR, env=variables, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_regular_expression_repeats_a_group_possessively() -> None:
    """CPython before 3.11.5 loses its place in such a group; around it, `(?>…)` does the same and works."""
    seen = 0
    for file in BASE_DIR.rglob("*.py"):
        if not {".venv", "var"} & set(file.relative_to(BASE_DIR).parts):
            for line, pattern in patterns(file):
                seen += 1
                assert not repeats_a_group(pattern), (
                    f"{file.relative_to(BASE_DIR)}:{line}: write (?>(?:…)*) for (?:…)*+"
                )
    assert seen > 50


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("(?:a|bc)*+d", True), ("x(y(?:ab)?+)+", True), ("[^a]*+b{2,3}+.?+", False), ("(?>(?:a|bc)*)d", False)],
)
def test_what_repeats_a_group_possessively_is_found(pattern: str, found: bool) -> None:
    assert repeats_a_group(regex_parser.parse(pattern)) is found


def programs(name: str) -> Iterator[Path]:
    """Where the interpreter may be: pyenv and uv keep some that are not in the path, or start only when chosen."""
    if found := shutil.which(name):
        yield Path(found)
    for folder in (".pyenv/versions", ".local/share/uv/python"):
        yield from Path.home().glob(f"{folder}/*/bin/{Path(name).name}")


def works(program: Path) -> bool:
    command = [str(program), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def patterns(file: Path) -> Iterator[tuple[int, Any]]:
    """The line and the parsed form of every expression that is written out in a call of `re`."""
    text = file.read_text(encoding="utf-8")
    if not re.search(r"\bre\.", text):
        return  # To read the syntax of every file takes two seconds.
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call) or not ast.unparse(call.func).startswith("re."):
            continue
        match call.args:
            case [ast.Constant(value=str(pattern)), *_]:
                flags = re.VERBOSE if "re.VERBOSE" in ast.unparse(call) else 0
                yield call.lineno, regex_parser.parse(pattern, flags)


def repeats_a_group(parsed: Any) -> bool:
    if isinstance(parsed, (list, tuple)):
        return any(map(repeats_a_group, parsed))
    if not isinstance(parsed, regex_parser.SubPattern):
        return False
    return any(
        (word is regex_words.POSSESSIVE_REPEAT and not is_one_character(inside[2])) or repeats_a_group(inside)
        for word, inside in parsed.data
    )


def is_one_character(repeated: Any) -> bool:
    return len(repeated) == 1 and repeated[0][0] in ONE_CHARACTER
