"""The pictures of the documentation: each one is named by a page, is there, and is made by a test."""

from __future__ import annotations

import re
from pathlib import Path

from environment.variables import BASE_DIR

PAGES = [*BASE_DIR.glob("*.md"), *(BASE_DIR / "docs").glob("*.md")]
KEPT = BASE_DIR / "docs" / "images"
MADE_BY = BASE_DIR / "tests" / "browser"


def named(page: Path) -> set[Path]:
    """The files of the pictures that a page shows."""
    found = re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve() for target in found if "://" not in target}


def made() -> set[str]:
    """What the tests of the screens name between quotes; the names of pictures are among it."""
    return {word for test in MADE_BY.glob("*.py") for word in re.findall(r'"([\w-]+)"', test.read_text("utf-8"))}


def test_each_picture_that_a_page_names_is_there_and_each_that_is_there_is_named() -> None:
    shown = set().union(*map(named, PAGES))
    assert len(shown) > 20
    assert {path.name for path in shown if not path.is_file()} == set(), "named, and missing: make pictures"
    assert {path.name for path in KEPT.iterdir()} - {path.name for path in shown} == set(), "no page names these"


def test_each_picture_is_made_by_a_test() -> None:
    assert {path.stem for path in KEPT.glob("*.png")} - made() == set(), "no test makes these: make pictures"


def test_a_picture_is_found_wherever_a_page_names_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("![One](images/one.png) and\n  ![two, here](../two.png)\n![far](https://example.com/far.png)\n")
    assert named(page) == {tmp_path / "images" / "one.png", tmp_path.parent / "two.png"}
