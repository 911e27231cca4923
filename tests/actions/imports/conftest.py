"""What the tests of imports share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from partners.models import ActionTracker
from tests.support.factories import make_tracker


@pytest.fixture
def tracker() -> ActionTracker:
    return make_tracker()


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of this content; the path of it."""

    def write(content: str | bytes, name: str = "a.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
