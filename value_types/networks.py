"""Networks as users write them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks of a list of CIDRs or single addresses, blanks left out. Raises ValueError naming the bad one."""
    return tuple(_parse_network(text.strip()) for text in texts if text.strip())


def _parse_network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError as problem:
        raise ValueError(
            f"{text} is neither a network nor an IP address. Write it as 10.1.0.0/16, fd00::/8 or 10.1.2.3."
        ) from problem
    raise ValueError(f"{text} is an address inside the network {meant}. Write {meant}, or the address alone.")
