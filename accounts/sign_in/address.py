"""From which address somebody signs in. Behind proxies the connection's own address is a proxy's."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

_IPV6_OF_ONE_NETWORK = 64  # Whoever has one address of it has all of them.


def client_address(request: HttpRequest) -> str | None:
    """The address to count failures by; None where the connection has none, such as that of a Unix socket.

    The last `TRUSTED_PROXIES` entries of `X-Forwarded-For` were written by our own proxies; what stands before them
    anybody may have made up. Of an IPv6 address it is the network's first.
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
