"""The processes that serve, and granian, which starts, replaces and ends them; what they do is our own."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import socket
from importlib import import_module
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from granian.net import SocketSpec  # type: ignore[attr-defined] # it imports it under this name
from granian.server.mp import MPServer, WorkerProcess

from front.spread import open_queue
from front.turns import share
from operations.logs.setup import logging_setup

APPLICATION = "front.application:application"
# Connections that a process keeps open: an idle one costs some kilobytes. Above that, new ones wait to be accepted.
MOST_CONNECTIONS = 8192
# Those that wait to be accepted while a process is busy; the kernel may allow fewer (net.core.somaxconn).
BACKLOG = 2048
# A process told to stop finishes what it has begun, for at most this long: below the 40 s after which systemd kills.
STOP_SECONDS = 30
# By then a new process mostly serves, before an old one is told to stop. Until it does, connections wait.
RELOAD_SECONDS = 5.0
# For each open connection, and what the project itself needs.
_SPARE_DESCRIPTORS = 512


def serve(host: str, port: int, *, processes: int, quiet: bool) -> None:
    """Serve until a signal to stop. Exits with 1 if the processes that serve end by themselves again and again."""
    # A fork would have the modules that this process has imported, which SIGHUP is to replace.
    multiprocessing.set_start_method("spawn")
    _allow_descriptors(MOST_CONNECTIONS + _SPARE_DESCRIPTORS)
    level = LogLevels.warning if quiet else LogLevels.info
    _OneQueue(
        APPLICATION,
        host,
        port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        workers=processes,
        loop=Loops.asyncio,
        websockets=False,
        backlog=BACKLOG,
        log_level=level,
        log_dictconfig={
            **logging_setup(level.value.upper()),
            "loggers": {"_granian": {}, "environ": {"level": "WARNING"}},
        },
        respawn_failed_workers=True,
        respawn_interval=RELOAD_SECONDS,
        workers_kill_timeout=STOP_SECONDS,
    ).serve(target_loader=_load)


def _load(target: str) -> Any:
    """Import the application. granian itself would look in the current folder first, which may be the operator's."""
    module, name = target.split(":")
    return getattr(import_module(module), name)


class _OneQueue(MPServer):
    """granian's processes, with ours inside, and one queue of connections for all of them; and one of batches.

    granian has one everywhere but on Linux. There each process would have its own, which is lost with it: a connection
    would be refused while an old process has ended and a new one is not ready yet, and broken off in between.

    A process is started by the name of this class and its method; at SIGHUP it may have the code of another release.
    """

    @staticmethod
    @WorkerProcess.wrap_target  # type: ignore[untyped-decorator] # granian has no types for it
    def _spawn_asgi_lifespan_worker(
        number: int, application: Any, shared: Any, _ipc: Any, loop: asyncio.AbstractEventLoop, *_: Any
    ) -> None:
        serving = import_module("front.serving")  # Needs the settings.
        listening = socket.socket(fileno=os.dup(shared[1].get_fd()))
        listening.listen(BACKLOG)
        # A parent that has the code of the release before has no queue.
        loop.run_until_complete(serving.serve(application, listening, shared[0], number))

    def _init_shared_socket(self) -> None:
        holder = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._sfd = holder.get_fd()
        # granian would pass on how the socket is made. Where it has been made, that is free for what else is shared.
        self._ssp = open_queue() if self.workers > 1 else None  # type: ignore[assignment] # as below
        self._shd = holder  # type: ignore[assignment] # granian's own type is that of its first value
        self._sso = socket.socket(fileno=self._sfd)
        self._sso.set_inheritable(True)
        self._turns = share() if self.workers > 1 else None  # Kept until this process ends.


def _allow_descriptors(wanted: int) -> None:
    """Raise the limit of open files, as far as this machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
