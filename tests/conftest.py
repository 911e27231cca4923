"""Real servers for all tests: the embedded ones, in a data folder of their own, unless URLs name others."""

from collections.abc import Iterator

import pytest

from config import embedded


@pytest.fixture(scope="session", autouse=True)
def embedded_services() -> Iterator[None]:
    """PostgreSQL and Redis for the whole run."""
    with embedded.services():
        yield
