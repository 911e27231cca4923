"""Compass has a link; Meridian, another partner of the same event type, is what it must not see."""

from __future__ import annotations

import pytest
from django.test import Client

from partners.models import ActionTracker, Partner
from portal.models import PartnerLink
from postbacks.models import Postback
from tests.portal.opened import make_link, opened
from tests.support.factories import make_partner, make_postback, make_term


@pytest.fixture
def postback(tracker: ActionTracker, partner: Partner) -> Postback:
    """Sales: Compass hears of online sales, with the order's id and where the customer lives."""
    return make_postback(
        tracker, partner, name="Sales", url="https://compass.example/in?order={Oid}&city={CustomerCity}"
    )


@pytest.fixture
def link(partner: Partner, postback: Postback) -> PartnerLink:
    """For Compass, with all rights."""
    return make_link(partner, rights=PartnerLink.Right.values)


@pytest.fixture
def visitor(link: PartnerLink) -> Client:
    """A browser in which the link was opened."""
    return opened(link)


@pytest.fixture
def others(tracker: ActionTracker) -> Postback:
    """Meridian's postback."""
    meridian = make_partner(name="Meridian")
    make_term(tracker, meridian)
    return make_postback(tracker, meridian, name="Secret plan", url="https://meridian.example/in?order={Oid}")
