"""A program that the nursery starts is like one that Python starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import programs

_SEEN = "import os, sys; print(os.getcwd(), sys.argv, os.environ['GIVEN'], 'config' in sys.modules, flush=True); "


def python(code: str, *arguments: str, **named: Any) -> subprocess.CompletedProcess[str]:
    return programs.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, **named)


def test_it_has_its_own_folder_arguments_environment_and_none_of_the_project(tmp_path: Path) -> None:
    variables = {"GIVEN": "this", "PATH": os.environ["PATH"]}

    assert python(_SEEN, "a", "b", cwd=tmp_path, env=variables).stdout == f"{tmp_path} ['-c', 'a', 'b'] this False\n"


@pytest.mark.parametrize(
    ("code", "status", "errors"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("import sys; sys.exit('no')", 1, "no\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
    ],
)
def test_its_end_is_told(code: str, status: int, errors: str) -> None:
    done = python(code)

    assert done.returncode == status
    assert done.stderr.endswith(errors)
    with pytest.raises(subprocess.CalledProcessError):
        python("1 / 0", check=True)


def test_it_can_be_talked_to_waited_for_and_stopped() -> None:
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); print(input()); signal.pause()"
    named: dict[str, Any] = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "text": True,
        "start_new_session": True,
    }
    with programs.start([sys.executable, "-c", code], **named) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("hello\n")
        process.stdin.flush()
        assert process.stdout.readline() == "hello\n"
        assert os.getsid(process.pid) == process.pid
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 7
        assert process.poll() == 7


def test_two_of_them_draw_different_numbers() -> None:
    assert (
        python("import random; print(random.random())").stdout != python("import random; print(random.random())").stdout
    )
