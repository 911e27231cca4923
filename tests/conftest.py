"""Real servers for all tests: the embedded ones, in a data folder of their own, unless URLs name others."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from devtools import embedded


@pytest.fixture(scope="session", autouse=True)
def embedded_services() -> Iterator[None]:
    """PostgreSQL and Redis for the whole run."""
    settings.DATABASE_DIRECT = None  # It would lead to another database than the tests'.
    with embedded.services():
        yield
