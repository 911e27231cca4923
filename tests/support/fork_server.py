"""Programs of the project that start in a moment: forked from a process that has already imported all of it.

A Celery worker takes two seconds of a processor to import and check the project, and a test may need a worker and
beat. What is forked is a process of its own, in a session of its own, as one that a shell starts; it differs in its
command line alone. Tests of starting itself start Python.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from unittest.mock import patch

_PRELOADED = "tests.support.preloaded"
_environment: dict[str, str] = {}  # That of the process that programs are forked from, once it runs.


class ForkedProgram:
    """A running program, with what `subprocess.Popen` offers of it."""

    def __init__(self, arguments: list[str], output: Path, variables: Mapping[str, str]) -> None:
        """Runs `celery` with `arguments`; what it prints goes to the file `output`. `variables` are its environment."""
        server = _server()
        with patch.dict(os.environ, variables):  # Of the server, which is started with the first program.
            _environment.update(_environment or os.environ)
            self._process = server.Process(target=_run, args=(arguments, output))
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("celery", timeout or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def serves(variables: Mapping[str, str]) -> bool:
    """Whether programs with these variables, on top of the test's own, can be forked: settings are read once."""
    wanted = {**os.environ, **variables}
    same = wanted.keys() | _environment.keys()
    return not _environment or all(
        wanted.get(name) == _environment.get(name) for name in same if not name.startswith("PYTEST_")
    )


@cache
def _server() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    return context


def _run(arguments: list[str], output: Path) -> None:
    os.setsid()
    with output.open("a") as file, Path(os.devnull).open() as nothing:
        for descriptor, opened in enumerate((nothing, file, file)):
            os.dup2(opened.fileno(), descriptor)
    sys.argv = ["celery", *arguments]
    from celery.__main__ import main

    sys.exit(main())
