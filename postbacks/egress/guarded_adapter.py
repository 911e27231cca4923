"""The address guard for `requests`: an adapter that opens each connection itself, to an address that may be called."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from postbacks.egress import deadline
from postbacks.egress.destination import connection_refusal
from postbacks.egress.failures import LATE_CONNECTION, NO_CONNECTION, UNKNOWN_HOST, Failure


class UnconnectedError(Exception):
    """No connection was opened; `failure` says why. It passes through `requests` as it is."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def _connect(host: str, port: int) -> socket.socket:
    """A connection to the first address of the host that may be called and answers. Raises UnconnectedError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnconnectedError(UNKNOWN_HOST) from error
    refused: Failure | None = None
    tried: Failure | None = None
    until = deadline.current()
    for family, kind, protocol, _, where in found:
        if until is not None and not until.left:
            raise UnconnectedError(LATE_CONNECTION)
        address = str(where[0])
        if (refusal := connection_refusal(address, port)) is not None:
            refused = refusal
            continue
        connection = socket.socket(family, kind, protocol)
        patience = settings.POSTBACKS_CONNECT_TIMEOUT
        connection.settimeout(patience if until is None else max(0.001, min(patience, until.left)))
        try:
            connection.connect(where)
        except OSError as error:
            connection.close()
            tried = LATE_CONNECTION if isinstance(error, TimeoutError) else NO_CONNECTION
        else:
            if until is not None:
                until.watch(connection)
            return connection
    raise UnconnectedError(tried or refused or UNKNOWN_HOST)


class _GuardedHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port)


class _GuardedHTTPS(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port)


class _HTTPToProxy(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())


class _HTTPSToProxy(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())


def _watched(connection: socket.socket) -> socket.socket:
    if (until := deadline.current()) is not None:
        until.watch(connection)
    return connection


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


class _HTTPPoolOfProxy(HTTPConnectionPool):
    ConnectionCls = _HTTPToProxy


class _HTTPSPoolOfProxy(HTTPSConnectionPool):
    ConnectionCls = _HTTPSToProxy


class GuardedAdapter(HTTPAdapter):
    """Guards its own connections. Those to a proxy are only cut in time: what it may reach is for its own rules.

    `trusting` says what certificates are checked against, if it is not what the session says.
    """

    def __init__(self, trusting: ssl.SSLContext | None = None) -> None:
        self._trusting = trusting  # Needed by what the next line calls.
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **self._with_context(kwargs))
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **self._with_context(kwargs))
        manager.pool_classes_by_scheme = {"http": _HTTPPoolOfProxy, "https": _HTTPSPoolOfProxy}
        return manager

    def _with_context(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return kwargs if self._trusting is None else {**kwargs, "ssl_context": self._trusting}
