"""A Redis of a test's own, which it may stop, fill or spoil, and a proxy before it that may be slow."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Thread

from redis import Redis

from devtools.embedded.redis_server import redis_binary
from devtools.up.ports import answers, find_free
from environment.addresses import LOCALHOST
from tests.support.patience import wait_until
from tests.support.processes import killed_afterwards

# What makes it refuse, and what makes it write again.
_REFUSALS: dict[str, tuple[list[tuple[str, ...]], list[tuple[str, ...]]]] = {
    "memory": ([("CONFIG", "SET", "maxmemory", "1")], [("CONFIG", "SET", "maxmemory", "0")]),
    "disk": (
        [("CONFIG", "SET", "save", "3600 1"), ("CONFIG", "SET", "dbfilename", "a-folder")],
        [("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")],
    ),
    "replica": ([("REPLICAOF", LOCALHOST, "1")], [("REPLICAOF", "NO", "ONE")]),
}


class OwnRedis:
    def __init__(self, port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._folder = folder
        self.port = port
        self.url = f"redis://{LOCALHOST}:{port}/0"
        self.client: Redis = Redis.from_url(self.url)
        self._process = process

    def freeze(self) -> None:
        """It keeps its connections and says nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)

    @contextmanager
    def refusing_to_write(self, how: str) -> Iterator[None]:
        """As with a full memory, a full disk, or as the replica of another server."""
        begin, end = _REFUSALS[how]
        for command in begin:
            self.client.execute_command(*command)  # type: ignore[no-untyped-call]
        if how == "disk":
            self._fail_to_save()
        try:
            yield
        finally:
            for command in end:
                self.client.execute_command(*command)  # type: ignore[no-untyped-call]

    def _fail_to_save(self) -> None:
        """The snapshot's name is that of a folder, so it cannot be written."""
        (self._folder / "a-folder" / "in-the-way").mkdir(parents=True)
        self.client.bgsave()
        wait_until(lambda: self.client.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "it cannot be saved")

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    port = find_free()
    with tempfile.TemporaryDirectory(prefix="own-redis-") as folder:
        options = (
            "--bind",
            LOCALHOST,
            "--port",
            str(port),
            "--dir",
            folder,
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        )
        process = subprocess.Popen(
            [str(redis_binary()), *options, "--enable-protected-configs", "yes"], stdout=subprocess.DEVNULL
        )
        with killed_afterwards(process):
            wait_until(lambda: answers(port), 10, "Redis starts")
            yield OwnRedis(port, process, Path(folder))


@contextmanager
def slow_replies(port: int, *, one_in: int, seconds: float) -> Iterator[str]:
    """The URL of a proxy before this Redis: so many seconds pass before one in so many of its replies is handed on."""
    numbers = itertools.count(1)

    def pour(source: socket.socket, target: socket.socket, *, slow: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if slow and next(numbers) % one_in == 0:
                    time.sleep(seconds)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                redis = socket.create_connection((LOCALHOST, port))
                Thread(target=pour, args=(client, redis), kwargs={"slow": False}, daemon=True).start()
                Thread(target=pour, args=(redis, client), kwargs={"slow": True}, daemon=True).start()

    with closing(socket.create_server((LOCALHOST, 0))) as listener:
        Thread(target=accept, daemon=True).start()
        yield f"redis://{LOCALHOST}:{listener.getsockname()[1]}/0"
