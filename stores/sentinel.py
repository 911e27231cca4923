"""A Redis behind Sentinels, as a URL: `sentinel://:password@host1:26379,host2:26379/0?service=postbacks`. Pure.

`sentinels://` is the same with TLS, to the Sentinels and to Redis. In the query stand the `service`'s name, a
`sentinel_password` if the Sentinels ask for one, and with TLS the certificate of an authority of your own, as
`ssl_ca_certs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

SCHEME: Final = "sentinel"
TLS_SCHEME: Final = "sentinels"
_PORT: Final = 26379
_EXAMPLE: Final = "sentinel://:password@host1:26379,host2:26379/0?service=name"


@dataclass(frozen=True, slots=True)
class Place:
    """What the URL says."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    username: str
    password: str
    database: int
    sentinel_password: str
    tls: dict[str, Any]
    """Options of a connection with TLS; empty without."""

    def of_redis(self) -> dict[str, Any]:
        """redis-py's options for the connections to Redis."""
        known = {"username": self.username, "password": self.password}
        return {"db": self.database, **{name: value for name, value in known.items() if value}, **self._with_tls()}

    def of_sentinels(self, seconds: float) -> dict[str, Any]:
        """redis-py's options for the connections to the Sentinels. One that hangs is given so many seconds."""
        timeouts = {"socket_timeout": seconds, "socket_connect_timeout": seconds}
        password = {"password": self.sentinel_password} if self.sentinel_password else {}
        return {**timeouts, **password, **self._with_tls()}

    def celery_url(self) -> str:
        """In Celery's words: a URL for each Sentinel."""
        user = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@" if self.password else ""
        return ";".join(f"sentinel://{user}{host}:{port}/{self.database}" for host, port in self.hosts)

    def _with_tls(self) -> dict[str, Any]:
        return {"ssl": True, **self.tls} if self.tls else {}


def scheme_of(url: str) -> str:
    """In lower case; empty if there is none. Newer versions of `urlsplit` refuse some of our URLs (`read`)."""
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon else ""


def is_sentinel(url: str) -> bool:
    return scheme_of(url) in (SCHEME, TLS_SCHEME)


def read(url: str) -> Place:
    """Raises ValueError, with what to write, if the URL lacks something."""
    # Of several hosts, newer versions of `urlsplit` refuse an address of IPv6 behind another host.
    whole, _, query = url.partition("://")[2].partition("#")[0].partition("?")
    netloc, _, path = whole.partition("/")
    user, _, hosts = netloc.rpartition("@")
    username, _, password = user.partition(":")
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    database = path.strip("/") or "0"
    if not asked.get("service"):
        raise ValueError(f"REDIS_URL lacks the name of the service that the Sentinels watch. Write {_EXAMPLE}.")
    if not database.isdecimal():
        raise ValueError(f"The database in REDIS_URL, {database}, is not a number. Write {_EXAMPLE}.")
    tls = {"ssl_cert_reqs": "required"} if scheme_of(url) == TLS_SCHEME else {}
    if tls and "ssl_ca_certs" in asked:
        tls["ssl_ca_certs"] = asked["ssl_ca_certs"]
    return Place(
        hosts=tuple(_host(each) for each in hosts.split(",")),
        service=asked["service"],
        username=unquote(username),
        password=unquote(password),
        database=int(database),
        sentinel_password=asked.get("sentinel_password", ""),
        tls=tls,
    )


def _host(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text.strip()}")
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        host, port = None, 0
    if not host:
        raise ValueError(f"REDIS_URL names no Sentinel in “{text}”. Write {_EXAMPLE}.")
    return (f"[{host}]" if ":" in host else host), port
