"""The pictures of a partner's pages."""

from __future__ import annotations

import pytest
from django.utils import timezone

from portal.pages.picture import pictures_of
from postbacks.metrics.fold import fold
from postbacks.metrics.tally import as_text
from postbacks.models import Tally

pytestmark = pytest.mark.django_db


def test_what_is_not_folded_yet_is_in_the_pictures_of_its_postbacks() -> None:
    now = timezone.now()
    Tally.objects.create(at=now, counts=as_text({5: {"delivered": 1}, 6: {"failed": 2}, 7: {"delivered": 4}}))
    before = pictures_of([5, 6])
    assert [(each.sums.delivered, each.sums.failed) for each in before] == [(1, 2), (1, 2)]
    fold()
    assert [(each.sums, each.chart) for each in pictures_of([5, 6])] == [(each.sums, each.chart) for each in before]
