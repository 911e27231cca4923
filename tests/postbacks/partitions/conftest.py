"""What tests of partitions share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg2 import extensions

from tests.support.partitions import few_ids_each


@pytest.fixture
def engine(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[extensions.connection]:
    """A connection of the engine's; partitions of ten ids each, below 10, 20, 30 and 40."""
    with few_ids_each(monkeypatch) as engine:
        yield engine
