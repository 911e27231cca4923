"""Two Redis, one a replica of the other, and three real Sentinels that watch them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from devtools.embedded.redis_server import redis_binary
from devtools.up.ports import answers, find_free
from environment.addresses import LOCALHOST
from tests.support.patience import wait_until
from tests.support.processes import killed_afterwards

SERVICE = "postbacks"
PASSWORD = "a1b2c3d4"
# Two of three must agree that the primary is gone, which it is after half a second.
_SENTINEL = """
bind {host}
port {port}
dir {folder}
sentinel monitor {service} {host} {primary} 2
sentinel auth-pass {service} {password}
sentinel down-after-milliseconds {service} 500
sentinel failover-timeout {service} 3000
"""


class Watched:
    """`url` is for REDIS_URL; `primary` is the process that is the primary first."""

    def __init__(self, url: str, primary: subprocess.Popen[bytes], sentinels: list[int]) -> None:
        self.url = url
        self.primary = primary
        self._sentinels = sentinels

    def primary_port(self) -> int:
        """Of the primary, as the first Sentinel that answers says."""
        with Redis(host=LOCALHOST, port=self._sentinels[0]) as sentinel:
            answer = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
            return int(answer[1])

    def knows_each_other(self) -> bool:
        try:
            for port in self._sentinels:
                with Redis(host=LOCALHOST, port=port) as sentinel:
                    state = sentinel.sentinel_masters()[SERVICE]
                    if state["num-slaves"] < 1 or state["num-other-sentinels"] < 2:
                        return False
        except RedisError:
            return False
        return True


@contextmanager
def running_sentinels() -> Iterator[Watched]:
    """Skips the test where Sentinel is not installed."""
    program = shutil.which("redis-sentinel")
    if program is None:
        pytest.skip("Sentinel is not installed (Debian: apt-get install redis-sentinel).")
    with tempfile.TemporaryDirectory(prefix="sentinels-") as name, ExitStack() as running:
        folder = Path(name)

        def start(command: list[str], port: int) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=name)
            running.enter_context(killed_afterwards(process))
            wait_until(lambda: answers(port), 10, "a server starts")
            return process

        def redis(port: int, *options: str) -> subprocess.Popen[bytes]:
            common = ["--bind", LOCALHOST, "--port", str(port), "--save", "", "--repl-diskless-sync-delay", "0"]
            passwords = ["--requirepass", PASSWORD, "--masterauth", PASSWORD, "--dbfilename", f"{port}.rdb"]
            return start([str(redis_binary()), *common, *passwords, *options], port)

        first, second = find_free(), find_free()
        primary = redis(first)
        redis(second, "--replicaof", f"{LOCALHOST} {first}")
        ports = [find_free() for _ in range(3)]
        for port in ports:
            file = folder / f"{port}.conf"
            file.write_text(
                _SENTINEL.format(
                    host=LOCALHOST, port=port, folder=name, service=SERVICE, primary=first, password=PASSWORD
                )
            )
            start([program, str(file)], port)
        hosts = ",".join(f"{LOCALHOST}:{port}" for port in ports)
        watched = Watched(f"sentinel://:{PASSWORD}@{hosts}/0?service={SERVICE}", primary, ports)
        wait_until(watched.knows_each_other, 20, "the Sentinels know each other and the replica")
        yield watched
