import pytest

from tests.support.api import Caller


@pytest.fixture
def call(db: None) -> Caller:
    """Calls the conversion API with a token in force."""
    return Caller()
