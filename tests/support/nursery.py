"""Starts Python programs from a process that has imported the packages which the project uses, and nothing of its own.

Such a program reads settings and all of the project anew, from its own environment, in a second of a processor less.
`programs` starts this one, hands it what to start, and hears how it ended.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import io
import json
import os
import random
import runpy
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

# Those that take longest to import, and that read no settings.
_PACKAGES = (
    *("celery.apps.beat", "celery.apps.worker", "celery.bin.celery", "celery.concurrency.prefork"),
    *("celery.fixups.django", "kombu.transport.redis"),
    *("cryptography.fernet", "cryptography.hazmat.primitives.serialization", "cryptography.x509"),
    *("django.contrib.postgres.fields", "django.core.management", "django.db.backends.postgresql.base"),
    *("django.template.loaders.app_directories", "django.test"),
    *("environ", "iso4217", "jmespath", "markdown_it", "oauthlib.oauth2", "orjson", "pycurl", "pydantic.dataclasses"),
    *("pydantic.networks", "pythonjsonlogger", "regex", "requests", "segno"),
)

NUMBER_BYTES = 20
_CLONE_NEWNET = 0x40000000  # Of setns: the namespace is one of networks.


def main() -> None:
    for name in _PACKAGES:
        importlib.import_module(name)
    gc.freeze()  # So that the programs share these pages.
    _become(*_serve(socket.socket(fileno=int(sys.argv[1]))))


def _serve(asking: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Start what is asked for, until nobody can ask any more; return, in each new process, what it is to be."""
    awake, waking = socket.socketpair()
    waking.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking.fileno())
    running: dict[int, socket.socket] = {}
    while True:
        ready = select.select([asking, awake], [], [])[0]
        if awake in ready:
            awake.recv(1000)
            _bury(running)
        if asking not in ready:
            continue
        size, descriptors, _, _ = socket.recv_fds(asking, 4, 4)
        if not size:
            sys.exit()
        request = json.loads(asking.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (asking, awake, waking, *running.values()):
                each.close()
            os.close(descriptors.pop())
            return request, descriptors
        telling = socket.socket(fileno=descriptors.pop())
        telling.send(_number(pid))
        running[pid] = telling
        for given in descriptors:
            os.close(given)


def _number(told: int) -> bytes:
    """Of a fixed length: the id of a short program and its end may arrive together."""
    return str(told).encode().ljust(NUMBER_BYTES)


def _bury(running: dict[int, socket.socket]) -> None:
    """Tell of each that has ended how it did."""
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            telling = running.pop(pid)
            try:
                telling.send(_number(os.waitstatus_to_exitcode(status)))
            except BrokenPipeError:
                """Nobody waits for it."""
            telling.close()


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Be the program `python ARGUMENTS` in its folder, its environment, and with these as its standard streams."""
    if request["session"]:
        os.setsid()
    if request["namespace"]:
        _enter(request["namespace"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    random.seed()
    for number, given in enumerate(descriptors):
        os.dup2(given, number)
    for given in descriptors:
        if given > 2:
            os.close(given)
    _open_streams()
    sys.path[0] = request["folder"]
    what, *arguments = request["arguments"]
    if what == "-c":
        code, *arguments = arguments
        sys.argv = ["-c", *arguments]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 -- what the test wants to run
    elif what == "-m":
        module, *arguments = arguments
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [what, *arguments]
        sys.path[0] = str(Path(what).resolve().parent)
        runpy.run_path(what, run_name="__main__")


def _enter(namespace: str) -> None:
    """Have the network of this namespace, as `ip netns exec` does; Python can do so itself from 3.12 on."""
    with Path("/run/netns", namespace).open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"The network namespace {namespace} cannot be entered")


def _open_streams() -> None:
    """Anew: those of the nursery know whether its own files can be sought in."""
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before = getattr(sys, name)
        kind = "rb" if number == 0 else "wb"
        stream = io.TextIOWrapper(
            open(number, kind, buffering=0 if unbuffered and number else -1, closefd=False),  # noqa: SIM115 -- for good
            encoding=before.encoding,
            errors=before.errors,
            line_buffering=number == 2,
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    main()
