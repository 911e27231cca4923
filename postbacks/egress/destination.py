"""Whether a destination may be called: asked of the address and port of each connection, and of the URL before that.

Connections are guarded where their sockets are opened (`postbacks.egress.transport`, `postbacks.egress.client`). What a
URL says by itself, an address that no name server is asked for and a port, matters earlier: to the person who types a
URL that can never be called, and where a proxy opens the connections for us.
"""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address

import idna
from django.conf import settings

from postbacks.egress.failures import Code, Failure
from postbacks.egress.guard import refusal
from postbacks.egress.own_addresses import own_addresses
from postbacks.egress.ports import port_refusal

_AUTHORITY = re.compile(
    r"\s*(?P<scheme>https?)://(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^/?#:{\[\\]*))(?::(?P<port>[0-9]{1,5})(?![0-9]))?",
    re.IGNORECASE,
)
_LOOPBACK = ("127.0.0.1", "::1")
_PORTS = {"http": 80, "https": 443}


def destination_refusal(url: str) -> Failure | None:
    """Why this URL, or URL template, can never be called; None if it may, or if only the connection will tell."""
    authority = _AUTHORITY.match(url)
    if authority is None:
        return None
    refusals = [_address_refusal(address) for address in _addresses(authority)]
    if refusals and all(refusals):
        return refusals[0]
    return _port_refusal(int(authority["port"] or _PORTS[authority["scheme"].lower()]))


def connection_refusal(address: str, port: int) -> Failure | None:
    """Why no connection is opened to this IP address and port; None if it may be."""
    return _address_refusal(address) or _port_refusal(port)


def _address_refusal(address: str) -> Failure | None:
    refused = refusal(address, settings.POSTBACKS_ALLOWED_NETWORKS, own_addresses())
    return None if refused is None else Failure(Code.ADDRESS, refused)


def _port_refusal(port: int) -> Failure | None:
    refused = port_refusal(port, settings.POSTBACKS_ALLOWED_PORTS)
    return None if refused is None else Failure(Code.PORT, refused)


def _addresses(authority: re.Match[str]) -> tuple[str, ...]:
    """The IP addresses that the host stands for as it is written; empty where only the DNS can tell."""
    host = authority["v6"] or _in_ascii(authority["host"] or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return _LOOPBACK
    try:
        return (str(ip_address(host)),)
    except ValueError:
        pass
    try:  # Also 127.1, 0x7f.0.0.1 and 2130706433, which resolvers take for addresses.
        return (socket.inet_ntoa(socket.inet_aton(host)),) if host else ()
    except OSError:
        return ()


def _in_ascii(host: str) -> str:
    """As it is looked up: digits and dots of other alphabets count as those of ASCII. Empty for what is not a host
    name."""
    if host.isascii():
        return host
    try:
        return idna.uts46_remap(host).encode("ascii").decode()
    except (idna.IDNAError, UnicodeError):
        return ""
