"""Hosts with addresses of their own, as network namespaces on one switch. Needs root and Linux.

with network() as switch:
    web, worker = switch.host("web"), switch.host("worker")
    worker.start([...], variables, log)
    worker.lose(web)      # What the two send each other is lost, silently.
    worker.power_off()    # Everything is, and its programs are gone; nobody is told.

A host is a namespace: its programs see its interface and no other, but all hosts share the disk and the processors.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from environment.variables import BASE_DIR
from tests.support import programs
from tests.support.patience import PATIENCE

NETWORK = "10.89.0"
_NOBODY = "02:00:00:00:00:01"  # A hardware address that no host has.
_STOP_SECONDS = 40


class Host:
    """One host. Its address is known to all others."""

    def __init__(self, switch: str, number: int, name: str) -> None:
        self.name = name
        self.address = f"{NETWORK}.{number}"
        self.namespace = f"{switch}-{name}"
        self._switch = switch
        self._port = f"p{number}"
        self.started: list[subprocess.Popen[bytes]] = []
        _ip("netns", "add", self.namespace)
        _ip("link", "add", self._port, "netns", switch, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        self._ip("addr", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            self._ip("link", "set", device, "up")
        self.plug()
        _ip("-n", switch, "link", "set", self._port, "up")

    def start(
        self, command: Sequence[str], variables: Mapping[str, str], log: Path, folder: Path = BASE_DIR
    ) -> subprocess.Popen[bytes]:
        """Starts a program on this host, in `folder`, in a group of its own, its output in `log`."""
        with log.open("ab") as output:
            program = programs.start(
                command,
                namespace=self.namespace,
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.started.append(program)
        return program

    def lose(self, other: Host) -> None:
        """From now on nothing that one of the two sends the other arrives, and neither is told."""
        self._ip("neigh", "replace", other.address, "lladdr", _NOBODY, "dev", "eth0", "nud", "permanent")
        other._ip("neigh", "replace", self.address, "lladdr", _NOBODY, "dev", "eth0", "nud", "permanent")

    def find(self, other: Host) -> None:
        """They reach each other again."""
        self._ip("neigh", "del", other.address, "dev", "eth0")
        other._ip("neigh", "del", self.address, "dev", "eth0")

    def unplug(self) -> None:
        """Nothing reaches it any more, and nothing that it sends arrives."""
        _ip("-n", self._switch, "link", "set", self._port, "nomaster")

    def plug(self) -> None:
        _ip("-n", self._switch, "link", "set", self._port, "master", "switch")

    def power_off(self) -> None:
        """It is gone, and so are its programs; their connections do not end for those at the other end."""
        self.unplug()
        self.kill()

    def stop(self) -> None:
        """Asks its programs to end and waits; one that does not end in time fails the test."""
        for program in self.started:
            program.terminate()
        for program in self.started:
            program.wait(PATIENCE * _STOP_SECONDS)
        self.started.clear()

    def kill(self) -> None:
        """All of its programs."""
        for number in _ip("netns", "pids", self.namespace).split():
            with suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGKILL)
        for program in self.started:
            program.wait(_STOP_SECONDS)
        self.started.clear()

    def _ip(self, *arguments: str) -> None:
        _ip("-n", self.namespace, *arguments)


class Switch:
    """What connects the hosts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = count(2)
        self.hosts: list[Host] = []

    def host(self, name: str) -> Host:
        """A new host, which all others reach."""
        self.hosts.append(host := Host(self._name, next(self._numbers), name))
        return host


@contextmanager
def network() -> Iterator[Switch]:
    """A switch without hosts; all of it is gone afterwards. Skips the test where there can be none."""
    name = f"hosts{os.getpid()}"
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("Hosts are network namespaces, which need root and the command ip (Debian: iproute2).")
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "switch", "type", "bridge")
    except subprocess.CalledProcessError as error:
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "del", name)
        pytest.skip(f"No network namespaces here: {error.stderr.strip()}")
    switch = Switch(name)
    try:
        _ip("-n", name, "link", "set", "switch", "up")
        yield switch
    finally:
        for host in switch.hosts:
            host.kill()
            _ip("netns", "del", host.namespace)
        _ip("netns", "del", name)


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout
