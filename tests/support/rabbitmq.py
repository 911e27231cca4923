"""A real RabbitMQ of a test's own: its own node, ports and folders, and no daemon that outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from devtools.up.ports import find_free
from environment.addresses import LOCALHOST
from tests.support.patience import wait_until

_PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Past the script that asks for a user of its own.
_START_SECONDS = 60


class RabbitMQ:
    """`url` is where it listens, with the account that comes with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, distribution, names = find_free(), find_free(), find_free()
        self.url = f"amqp://guest:guest@{LOCALHOST}:{self._port}//"
        (folder / "plugins").write_text("[].")
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"tests{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOCALHOST,
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            # The fewest threads that it starts with.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +A 4 +sbwt none",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [str(_PROGRAM)], env=self._environment, stdout=output, stderr=output, start_new_session=True
            )
        wait_until(self._answers, _START_SECONDS, "RabbitMQ starts")

    def kill(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def length(self, queue: str) -> tuple[int, int]:
        """How many messages wait in the queue, and how many workers take from it."""
        with self._connection() as connection:
            channel: Any = connection.default_channel
            declared = channel.queue_declare(queue, passive=True)
            return declared.message_count, declared.consumer_count

    def stop(self) -> None:
        """With the daemon that knows the node's name, which leaves the group."""
        self.kill()
        subprocess.run(["epmd", "-kill"], env=self._environment, check=False, capture_output=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "output").read_text()[-3000:]
        try:
            with self._connection() as connection:
                connection.connect()
        except OSError:
            return False
        return True

    def _connection(self) -> Connection:
        return Connection(self.url, connect_timeout=2)


@contextmanager
def running_rabbitmq() -> Iterator[RabbitMQ]:
    """Skips the test where RabbitMQ is not installed."""
    if not _PROGRAM.exists():
        pytest.skip("RabbitMQ is not installed (Debian: apt-get install rabbitmq-server).")
    with tempfile.TemporaryDirectory(prefix="rabbitmq-") as name:
        server = RabbitMQ(Path(name))
        try:
            server.start()
            yield server
        finally:
            server.stop()
