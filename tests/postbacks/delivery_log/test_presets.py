"""Times by name: days are those of the zone in which the screen shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from postbacks.delivery_log.presets import span_of

HALF_PAST = datetime(2026, 11, 26, 3, 30, tzinfo=UTC)  # A Thursday; Wednesday evening in New York.


@pytest.mark.parametrize(
    ("preset", "zone", "since", "until"),
    [
        ("today", "UTC", "2026-11-26 00:00", None),
        ("today", "America/New_York", "2026-11-25 05:00", None),
        ("today", "Asia/Kolkata", "2026-11-25 18:30", None),
        ("yesterday", "UTC", "2026-11-25 00:00", "2026-11-26 00:00"),
        ("yesterday", "America/New_York", "2026-11-24 05:00", "2026-11-25 05:00"),
        ("week", "UTC", "2026-11-23 00:00", None),
        ("week", "America/New_York", "2026-11-23 05:00", None),
        ("hour", "America/New_York", "2026-11-26 02:30", None),
    ],
)
def test_a_day_is_that_of_the_zone(preset: str, zone: str, since: str, until: str | None) -> None:
    with timezone.override(zone):
        begins, ends = span_of(preset, HALF_PAST)

    assert f"{begins.astimezone(UTC):%Y-%m-%d %H:%M}" == since
    assert (ends and f"{ends.astimezone(UTC):%Y-%m-%d %H:%M}") == until


def test_a_day_on_which_the_clocks_change_is_whole() -> None:
    with timezone.override("Europe/Berlin"):
        begins, ends = span_of("yesterday", datetime(2026, 10, 26, 12, 0, tzinfo=UTC))

    assert ends is not None
    assert ends.astimezone(UTC) - begins.astimezone(UTC) == timedelta(hours=25)
