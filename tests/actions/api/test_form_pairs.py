"""A form is read as Python's library reads it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actions.api.fields import form_pairs
from actions.reports.rejected import Rejected
from actions.reports.report import MAX_FIELDS


@pytest.mark.parametrize("charset", ["utf-8", "iso8859-1"])
@given(text=st.text(alphabet="aZ=&+%2Cc3;\u00e9\u20ac\0 ", max_size=40))
@example(text="a=1&b=%C3%A9&b=&=c&d&&e=f=g&h%3D=%26+%2B;i=%e9&%")
def test_it_is_read_as_the_library_reads_it(text: str, charset: str) -> None:
    def library() -> object:
        return parse_qsl(text, keep_blank_values=True, encoding=charset, errors="strict")

    assert outcome(lambda: form_pairs(text, charset)) == outcome(library)


def outcome(read: Callable[[], object]) -> object:
    try:
        return read()
    except UnicodeDecodeError as error:
        return error.reason


@pytest.mark.parametrize("more", [0, 1])
def test_more_fields_than_are_read_are_refused(more: int) -> None:
    form = "&".join(f"f{number}=" for number in range(MAX_FIELDS + more))
    if more:
        with pytest.raises(Rejected):
            form_pairs(form, "utf-8")
    else:
        assert len(form_pairs(form, "utf-8")) == MAX_FIELDS
