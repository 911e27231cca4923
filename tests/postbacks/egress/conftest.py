"""Servers for tests of the way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import certifi
import pytest

from tests.support.wire import RawServer, serve_tls


@pytest.fixture
def raw() -> Iterator[RawServer]:
    with closing(RawServer()) as server:
        yield server


@pytest.fixture
def tls_receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Its port; it is `redis` by its certificate."""
    with serve_tls(tmp_path) as port:
        monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "ca.crt"))
        yield port
