"""What tests of notices share: where the pages are, and no channel of the setting."""

from __future__ import annotations

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _where(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://postbacks.example"
    settings.POSTBACKS_NOTICE_EMAILS = []
