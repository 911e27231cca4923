"""The address from which a user signs in. Behind proxies, the address of the connection is that of a proxy."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

_IPV6_OF_ONE_NETWORK = 64  # A client with one of its addresses can use all of them.


def client_address(request: HttpRequest) -> str | None:
    """The address by which failures are counted; None if the connection has none, as on a Unix socket.

    Our own proxies wrote the last `TRUSTED_PROXIES` entries of `X-Forwarded-For`; anyone may have made up the earlier
    ones. For IPv6, it is the first address of the network.
    """
    proxies: int = settings.TRUSTED_PROXIES
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    found = _read(seen[-proxies]) if 0 < proxies <= len(seen) else None
    return found or _read(request.META.get("REMOTE_ADDR", ""))


def _read(text: str) -> str | None:
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:  # IPv4 with a port, as some proxies write it.
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, _IPV6_OF_ONE_NETWORK), strict=False).network_address)
