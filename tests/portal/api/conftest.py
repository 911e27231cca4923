"""The postback whose partner asks."""

from __future__ import annotations

import pytest

from partners.models import ActionTracker, Partner
from postbacks.models import Postback
from tests.support.factories import make_postback


@pytest.fixture
def postback(tracker: ActionTracker, partner: Partner) -> Postback:
    """Sales: Compass hears of online sales."""
    return make_postback(tracker, partner, name="Sales", url="https://compass.example/in?id={ActionId}")
