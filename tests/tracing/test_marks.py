from __future__ import annotations

import pytest

from tracing.marks import LONGEST, Place, child_of, mark_of, read

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MARK = f"00-{TRACE}-{SPAN}-01"


def test_a_mark_is_read_as_it_was_written() -> None:
    place = Place(int(TRACE, 16), int(SPAN, 16), sampled=True)
    assert mark_of(place) == MARK
    assert read(MARK) == place
    assert len(MARK) == LONGEST
    assert read(mark_of(place._replace(sampled=False))) == place._replace(sampled=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        MARK.upper(),
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-0g",
        f"{MARK}\n",
        MARK.replace("4", "\u0664", 1),
    ],
)
def test_what_is_no_mark_is_not_read(text: str) -> None:
    assert read(text) is None


def test_of_a_later_version_what_this_one_has_is_read() -> None:
    expected = read(MARK)
    assert read(f"01-{TRACE}-{SPAN}-01-more") == expected
    assert read(f"cc-{TRACE}-{SPAN}-09") == expected


def test_a_child_is_of_the_same_trace_and_another_span() -> None:
    first, second = child_of(MARK), child_of(MARK)
    assert len({MARK, first, second}) == 3
    assert read(first) == Place(int(TRACE, 16), int(first[36:52], 16), sampled=True)
