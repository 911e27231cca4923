"""The addresses of this machine itself: whatever its network interfaces bear, public ones included.

What listens on all interfaces, such as the web or a database, also answers on a public address of its own machine.
An address that a router translates (NAT) to this machine is not among them: that is a matter for a firewall.
"""

from __future__ import annotations

import logging
import time
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import psutil

Addresses = frozenset[IPv4Address | IPv6Address]

# Interfaces change while a process runs (a floating address, DHCP). Reading them takes a tenth of a millisecond, and
# is asked for with each new connection.
READ_AGAIN_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class OwnAddresses:
    """Reads them at most once in `READ_AGAIN_SECONDS`. The same set is returned until they change."""

    def __init__(self) -> None:
        self._known: Addresses = frozenset()
        self._read_at = float("-inf")

    def now(self) -> Addresses:
        """The addresses that the interfaces bear."""
        now = time.monotonic()
        if now - self._read_at >= READ_AGAIN_SECONDS:
            self._read_at = now
            found = _read()
            if found is not None and found != self._known:
                self._known = found
        return self._known


def _read() -> Addresses | None:
    """None if the system does not tell."""
    try:
        interfaces = psutil.net_if_addrs()
    except (OSError, psutil.Error) as error:
        logger.warning("The addresses of this machine cannot be read, so those last known stay refused: %s", error)
        return None
    addresses = set()
    for each in (address for borne in interfaces.values() for address in borne):
        try:
            addresses.add(ip_address(each.address.partition("%")[0]))
        except ValueError:  # Of hardware.
            continue
    return frozenset(addresses)


_of_this_process: Final = OwnAddresses()


def own_addresses() -> Addresses:
    """The addresses that the interfaces of this machine bear, as of the last second."""
    return _of_this_process.now()
