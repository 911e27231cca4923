from collections.abc import Iterator

import pytest
from django.db import connection

from tests.support.api import Caller


@pytest.fixture
def call(db: None) -> Iterator[Caller]:
    """Calls the conversion API with a token in force."""
    yield Caller()
    # The limits of the last request's statements hold until the end of the test's transaction, and with it for the
    # keys of thousands of rows that are checked there.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
