"""Which addresses postbacks may reach: the public ones of other machines, and the networks that a setting allows.

Postback URLs are written by people and resolved by other people's DNS, so the question is asked of the address of each
connection as it is opened, not of the host name. The table follows the IANA registries of special-purpose addresses
and not `ipaddress.is_global`, whose answers differ between patch releases of Python.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from value_types.networks import Network

Address = IPv4Address | IPv6Address

_ADDRESSES_KEPT = 65_536  # Distinct addresses of destinations; some thousand are usual.

# The first that holds the address names the reason, so a narrow one stands before the wide one around it.
_REFUSED_V4 = [
    (IPv4Network(network), kind)
    for network, kind in [
        ("0.0.0.0/32", "the unspecified address"),
        ("0.0.0.0/8", "an address of this host's own network"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address behind a carrier's NAT"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud metadata address"),  # Azure's, outside every special-purpose network.
        ("169.254.169.254/32", "a cloud metadata address"),
        ("169.254.0.0/16", "a link-local address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    ]
]
_REFUSED_V6 = [
    (IPv6Network(network), kind)
    for network, kind in [
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("fd00:ec2::254/128", "a cloud metadata address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/32", "a Teredo address"),  # Tunnels reach into private networks; no partner is served through one.
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 address"),  # As Teredo.
        ("3fff::/20", "a documentation address"),
    ]
]
_GLOBAL_V6 = IPv6Network("2000::/3")  # All that has ever been given out for public use.
_NAT64 = IPv6Network("64:ff9b::/96")  # How an IPv6-only machine reaches IPv4: the last 32 bits are the real address.


def refusal(address: str, allowed: Sequence[Network], own: frozenset[Address] = frozenset()) -> str | None:
    """Why no connection is opened to this IP address (as text), or None if it may be. `own` are those of this machine.
    `allowed` networks win; one of IPv4 also allows its addresses written in IPv6. What is not an IP address is
    refused. Kept by address, until `own` or `allowed` change."""
    return _refusal(address, tuple(allowed), own)


@lru_cache(maxsize=_ADDRESSES_KEPT)
def _refusal(address: str, allowed: tuple[Network, ...], own: frozenset[Address]) -> str | None:
    try:
        given = ip_address(address)
    except ValueError:
        return f"{address} is not an IP address"
    reached = _reached(given)
    if any(given in network or reached in network for network in allowed):
        return None
    kind = _refused_kind(reached, own)
    if kind is None:
        tunnelled = _end_of_tunnel(given)
        if tunnelled is None or (kind := _refused_kind(tunnelled, own)) is None:
            return None
        reached = tunnelled
    shown = address if reached == given else f"{address}, which stands for {reached},"
    return f"{shown} is {kind}, and only public addresses are called (POSTBACKS_ALLOWED_NETWORKS lists exceptions)"


def _reached(address: Address) -> Address:
    """The address that a connection ends at: the IPv4 one where IPv6 only wraps it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _end_of_tunnel(address: Address) -> IPv4Address | None:
    """Where ISATAP (RFC 5214) would take it: in any network, to the IPv4 address in its last 32 bits."""
    number = int(address)
    if isinstance(address, IPv6Address) and (number >> 32) & 0xFDFF_FFFF == 0x0000_5EFE:
        return IPv4Address(number & 0xFFFF_FFFF)
    return None


def _refused_kind(address: Address, own: frozenset[Address]) -> str | None:
    refused: Sequence[tuple[Network, str]] = _REFUSED_V4 if isinstance(address, IPv4Address) else _REFUSED_V6
    for network, kind in refused:
        if address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return "a reserved address"
    return "an address of this machine" if address in own else None
