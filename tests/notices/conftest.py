"""What tests of notices share: where the pages are, and no channel of the setting."""

from __future__ import annotations

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _where(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://postbacks.example"
    settings.POSTBACKS_NOTICE_EMAILS = []


@pytest.fixture
def no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a worker: to ask Django for an address would load every page."""

    def loads(_urlconf: object = None) -> None:
        pytest.fail("This asks for an address, and would load every page in a worker.")

    monkeypatch.setattr("django.urls.base.get_resolver", loads)
