"""The same mistake reads well in a terminal, with a caret under its place, and on one line beside a form field."""

import unicodedata

import pytest

from postbacks.request.template import Place, TemplateError, compile_template

PLACE = "Unknown parameter {Oyd} at column %d. Did you mean {Oid}?"


def error_in(source: str, place: Place = Place.TEXT) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        compile_template(source, place)
    return caught.value


@pytest.mark.parametrize(
    ("before", "cells"),
    [
        ("", 0),
        ("plain ", 6),
        ("日本語 ", 7),  # Wide: two cells each.
        ("\uff21\uff22", 4),
        ("e\u0301e\u0301 ", 3),  # Combining: no cell of its own.
        ("\u1112\u1161\u11ab ", 3),  # One Korean syllable in three parts, drawn in two cells.
        ("😀 ", 3),
        ("👩\u200d👧 ", 6),  # The joiner is shown as a mark, so that no terminal draws one picture.
        ("\u200b\ufeff", 2),  # Invisible: made visible.
        ("\u202e", 1),  # Would turn the rest of the line around.
        ("\x1b[31m", 5),  # Would colour it.
        ("a\u00a0b", 3),  # A space that is none.
    ],
)
def test_the_caret_stands_under_the_place_whatever_comes_before(before: str, cells: int) -> None:
    error = error_in(before + "{Oyd}")
    line, caret = error.with_caret().split("\n")
    assert line.endswith("{Oyd}")
    assert len(line) == 2 + len(before) + 5
    assert caret == "  " + " " * cells + "^"
    assert str(error) == PLACE % (len(before) + 1)


def test_tabs_stay_tabs_above_and_below() -> None:
    assert error_in('{\n\t"a":\t"{Oyd}"\n}\n', Place.JSON).with_caret() == '  \t"a":\t"{Oyd}"\n  \t    \t ^'


def test_nothing_that_moves_the_cursor_reaches_the_terminal() -> None:
    for number in (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA1), *range(0x2000, 0x2070), 0xFEFF, 0xD800):
        text = error_in(f"a{chr(number)}b{{Oyd}}").explain()
        assert {each for each in text if unicodedata.category(each)[0] == "C"} <= {"\n", "\t"}, hex(number)
        assert ("\t" in text) is (number == 9)
    text = error_in("{lower(\x1b)} {date(Oid, '%\x1b')} {date(Oid, '%Y', '\x1b[2J')}").explain()
    assert "\x1b" not in text


def test_of_a_long_line_the_part_around_the_place_is_shown() -> None:
    line, caret = error_in("x" * 200 + "{Oyd}" + "y" * 200).with_caret().split("\n")
    assert line[caret.index("^") :].startswith("{Oyd}")
    assert (line[2], line[-1], len(line)) == ("…", "…", 104)


def test_lines_may_end_as_a_browser_sends_them() -> None:
    error = error_in('{\r\n "a": {Oyd}\r\n}', Place.JSON)
    assert (error.line, error.column, error.offset) == (2, 7, 9)
    assert error.with_caret() == '   "a": {Oyd}\n        ^'


def test_on_a_form_field_a_mistake_is_one_line() -> None:
    for error in error_in("one\n{Oyd} {lower(\n)} {date(EventDate, '%\n')} {nope(Oid)}").errors:
        assert "\n" not in str(error)


def test_all_mistakes_are_explained_one_after_another() -> None:
    assert error_in("{Oyd}\n {lower()}").explain() == (
        "  {Oyd}\n"
        "  ^\n"
        "Unknown parameter {Oyd} at line 1, column 1. Did you mean {Oid}?\n"
        "\n"
        "   {lower()}\n"
        "    ^\n"
        "lower with no argument at line 2, column 3. It is written lower(value): {lower(Status)}"
    )
