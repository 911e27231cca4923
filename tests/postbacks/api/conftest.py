"""Tokens and addresses for the tests of the management API."""

from __future__ import annotations

import pytest

from tests.support.api_calls import ApiCaller

READ_AND_MANAGE = ("read", "manage")


@pytest.fixture
def manager(db: None) -> ApiCaller:
    """A program that reads and manages, without personal data, for all programs."""
    return ApiCaller(scopes=READ_AND_MANAGE)
