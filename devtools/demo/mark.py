"""While the demo runs, postbacks may be sent to this machine: to its receiver, and to those that a user tries out.

A file in the data folder marks this for the programs of the demo and for every command on the same data.
"""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from value_types.networks import Network

LOOPBACK: list[Network] = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]


def allowed_networks(data_dir: Path) -> list[Network]:
    """Return what the demo on this data may send to: loopback while it runs, nothing otherwise."""
    return LOOPBACK if _mark(data_dir).exists() else []


@contextmanager
def running(data_dir: Path, *, demo: bool) -> Iterator[None]:
    """Mark the data while the block runs, if it is a demo; in any case, remove the mark of one that was killed."""
    mark = _mark(data_dir)
    mark.unlink(missing_ok=True)
    if demo:
        mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def _mark(data_dir: Path) -> Path:
    return data_dir / "run" / "demo"
