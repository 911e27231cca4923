"""Times are read and shown in the current zone, also where its clocks are changed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django import forms
from django.utils import timezone

from environment.variables import BASE_DIR
from partners.local_times import LocalTimeField, current_zone, of_clock, shown, shown_with_zone

BERLIN, SAMOA, LORD_HOWE = "Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe"


class Span(forms.Form):
    since = LocalTimeField()
    until = LocalTimeField(later=True)


@pytest.mark.parametrize(
    ("zone", "typed", "meant"),
    [
        (BERLIN, datetime.fromisoformat("2026-11-24T13:30"), datetime(2026, 11, 24, 12, 30, tzinfo=UTC)),
        (BERLIN, datetime.fromisoformat("2026-03-29T03:00"), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (BERLIN, datetime.fromisoformat("2026-03-29T01:59:59"), datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
        (BERLIN, datetime.fromisoformat("2026-10-25T03:00"), datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        ("UTC", datetime.fromisoformat("2026-03-29T02:30"), datetime(2026, 3, 29, 2, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_by_the_clocks_of_the_zone(zone: str, typed: datetime, meant: datetime) -> None:
    with timezone.override(zone):
        assert of_clock(typed) == meant


@pytest.mark.parametrize(
    ("zone", "typed", "instead"),
    [
        (BERLIN, datetime.fromisoformat("2026-03-29T02:00"), "2026-03-29 03:00"),
        (BERLIN, datetime.fromisoformat("2026-03-29T02:59:59"), "2026-03-29 03:00"),
        (LORD_HOWE, datetime.fromisoformat("2026-10-04T02:10"), "2026-10-04 02:30"),
        (SAMOA, datetime.fromisoformat("2011-12-30T00:00"), "2011-12-31 00:00"),
    ],
)
def test_a_time_that_no_clock_shows_is_refused_with_the_next_that_one_does(
    zone: str, typed: datetime, instead: str
) -> None:
    with timezone.override(zone), pytest.raises(ValueError, match=f"does not exist in {zone}.*{instead}"):
        of_clock(typed)


def test_an_hour_that_clocks_show_twice_is_asked_about() -> None:
    typed = datetime.fromisoformat("2026-10-25T02:30")
    with timezone.override(BERLIN):
        with pytest.raises(ValueError, match=re.escape("2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00")):
            of_clock(typed)
        assert of_clock(typed, later=False) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert of_clock(typed, later=True) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_span_from_and_until_such_an_hour_leaves_nothing_out() -> None:
    with timezone.override(BERLIN):
        form = Span({"since": "2026-10-25T02:30", "until": "2026-10-25T02:30:00"})
        assert form.is_valid()
        assert form.cleaned_data["since"] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert form.cleaned_data["until"] == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_field_says_what_is_wrong_and_takes_an_offset() -> None:
    with timezone.override(BERLIN):
        form = Span({"since": "2026-03-29T02:30", "until": "2026-03-29T02:30+01:00"})
        assert list(form.errors) == ["since"]
        assert "does not exist in Europe/Berlin" in form.errors["since"][0]
        assert form.cleaned_data["until"] == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        assert list(Span({"since": "soon", "until": ""}).errors) == ["since", "until"]


def test_a_shown_time_names_its_zone_and_offset() -> None:
    summer, winter = datetime(2026, 7, 1, 12, 0, 5, tzinfo=UTC), datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
    with timezone.override(BERLIN):
        assert shown(summer) == "2026-07-01 14:00:05"
        assert 'title="2026-07-01 14:00:05 Europe/Berlin (UTC+02:00)"' in shown_with_zone(summer)
        assert 'title="2026-12-01 13:00:00 Europe/Berlin (UTC+01:00)"' in shown_with_zone(winter)
        assert 'datetime="2026-12-01T13:00:00.000+01:00"' in shown_with_zone(winter)
        assert re.fullmatch(r"Europe/Berlin \(UTC\+0[12]:00\)", current_zone())
    assert (shown(None), shown_with_zone(None)) == ("", "")


def test_no_template_has_another_format_for_times() -> None:
    """What a link carries is read again as the current zone's, and says so by its T."""
    others = {}
    for path in sorted(Path(BASE_DIR).glob("*/templates/**/*.html")):
        found = re.findall(r'\|date:"[^"]*[HhGgP][^"]*"', path.read_text())
        others[path.name] = [each for each in found if r"\TH:i:s" not in each]
    assert {name: found for name, found in others.items() if found} == {}
    assert others
