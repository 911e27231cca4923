"""Python programs that tests start, as `subprocess` does, in a third of the time: see `nursery`, which starts them.

A program gets its own arguments, folder, environment and pipes, and reads all of the project anew. What it does not get
is an interpreter of its own: the libraries of other packages are imported already. So its command line is that of the
nursery, and it cannot run as another user, or under a library that is preloaded.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from environment.variables import BASE_DIR
from tests.support.nursery import NUMBER_BYTES
from tests.support.patience import PATIENCE

_AT_START = (
    "LD_PRELOAD",
    "PYTHONPATH",
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_PROCESS_START",
)  # What only an interpreter reads.


def start(command: Sequence[str], *, namespace: str | None = None, **named: Any) -> subprocess.Popen[Any]:
    """`subprocess.Popen(command, **named)`, by the nursery if it can; in this network namespace of `ip netns`."""
    environment = named.get("env") or os.environ
    ours = command[0] == sys.executable and not any(name in environment for name in _AT_START)
    ours &= "preexec_fn" not in named and (command[1] in ("-c", "-m") or command[1].endswith(".py"))
    if ours:
        return _Program(list(command), namespace=namespace, **named)
    return subprocess.Popen([*(("ip", "netns", "exec", namespace) if namespace else ()), *command], **named)


def run(
    command: Sequence[str],
    *,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    **named: Any,
) -> subprocess.CompletedProcess[Any]:
    """`subprocess.run(command, ...)`, by the nursery if it can; it may take `timeout` on a machine at rest."""
    if capture_output:
        named |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(command, **named) as process:
        try:
            output, errors = process.communicate(timeout=None if timeout is None else PATIENCE * timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
    if check:
        done.check_returncode()
    return done


class _Program(subprocess.Popen[Any]):
    """A process whose parent is the nursery, which tells its id and how it ended on a connection of its own."""

    def __init__(
        self, args: list[str], *, start_new_session: bool = False, namespace: str | None = None, **named: Any
    ) -> None:
        self._session = start_new_session
        self._namespace = namespace
        super().__init__(args, **named)

    def _execute_child(self, args: list[str], *given: Any) -> None:
        (_, _, _, _, cwd, env, _, _, _, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, *_) = given
        sys.audit("subprocess.Popen", args[0], args, cwd, env)
        self._ended, theirs = socket.socketpair()
        nothing = os.open(os.devnull, os.O_RDONLY)
        streams = [each if each != -1 else other for each, other in ((p2cread, nothing), (c2pwrite, 1), (errwrite, 2))]
        request = {
            "arguments": args[1:],
            "folder": str(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "session": self._session,
            "namespace": self._namespace,
        }
        try:
            _nursery().ask(request, [*streams, theirs.fileno()])
        finally:
            theirs.close()
            os.close(nothing)
            self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]
        self.pid = int(self._ended.recv(NUMBER_BYTES, socket.MSG_WAITALL))
        self._child_created = True

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self._read_end()
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if self.returncode is None:
            if not select.select([self._ended], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self._read_end()
        return self.returncode

    def _read_end(self) -> None:
        said = self._ended.recv(NUMBER_BYTES, socket.MSG_WAITALL)
        self.returncode = int(said) if said else -9  # The nursery has been killed, and its programs with it.
        self._ended.close()


class _Nursery:
    def __init__(self) -> None:
        self._asking, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.support.nursery", str(theirs.fileno())]
        self._process = subprocess.Popen(command, cwd=BASE_DIR, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        atexit.register(self.end)

    def ask(self, request: Mapping[str, Any], descriptors: list[int]) -> None:
        message = json.dumps(request).encode()
        socket.send_fds(self._asking, [len(message).to_bytes(4, "big")], descriptors)
        self._asking.sendall(message)

    def end(self) -> None:
        """It ends once nobody can ask it any more."""
        self._asking.close()
        self._process.wait()


@cache
def _nursery() -> _Nursery:
    return _Nursery()
