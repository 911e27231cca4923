"""Real servers for all tests: the embedded ones, in a data folder of their own, unless URLs name others."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# Before anything loads the settings: the tests must never touch the data of a running copy.
os.environ.setdefault("POSTBACKS_DATA_DIR", str(Path(__file__).resolve().parent.parent / "var" / "test"))

from config import embedded


@pytest.fixture(scope="session", autouse=True)
def embedded_services() -> Iterator[None]:
    """PostgreSQL and Redis for the whole run."""
    with embedded.services():
        yield
