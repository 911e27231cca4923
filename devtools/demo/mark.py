"""While the demo runs, postbacks may be sent to this machine: to its receiver, and to those that a user tries out.

The demo holds a lock in the data folder, which the kernel releases when the demo ends, however it ends. Its programs
get the permission with their environment, and every other command on the same data by the lock; but only with the
embedded servers: production never takes the permission from a file.
"""

import fcntl
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environment.addresses import is_embedded
from value_types.networks import Network

LOOPBACK: list[Network] = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]
ALLOWED = "POSTBACKS_ALLOWED_NETWORKS"


def allowed_networks(data_dir: Path) -> list[Network]:
    """Return what the demo on this data may send to: loopback while it runs on embedded servers, nothing otherwise."""
    return LOOPBACK if is_embedded("DATABASE_URL") and is_running(data_dir) else []


def is_running(data_dir: Path) -> bool:
    """Return whether a demo runs on this data."""
    try:
        lock = os.open(_lock(data_dir), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextmanager
def running(data_dir: Path, *, demo: bool) -> Iterator[None]:
    """Hold the lock while the block runs, if it is a demo, and allow loopback to the programs started in the block."""
    if not demo:
        yield
        return
    given = os.environ.get(ALLOWED)
    lock = os.open(_lock(data_dir), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Others hold it for a moment only, to ask.
        os.environ[ALLOWED] = ",".join([*filter(None, [given]), *map(str, LOOPBACK)])
        yield
    finally:
        if given is None:
            os.environ.pop(ALLOWED, None)
        else:
            os.environ[ALLOWED] = given
        os.close(lock)


def _lock(data_dir: Path) -> Path:
    return data_dir / "run" / "demo.lock"
