"""The pages of the documentation, as tests read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from environment.variables import BASE_DIR

DOCUMENTS = [*sorted(BASE_DIR.glob("*.md")), *sorted((BASE_DIR / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block of code: where it is, its language, its text, and what a comment above it says of it.

    `runs` is the word of `<!-- runs: word -->`, by which a test of the page finds a program. `named` is what runs the
    block elsewhere, `<!-- run by: test_x.py::test_y -->`, or why nothing can, `<!-- not run: reason -->`.
    """

    page: str
    number: int
    language: str
    text: str
    runs: str
    named: str

    def __str__(self) -> str:
        return f"{self.page} block {self.number} ({self.language})"


_COMMENT = r"<!-- (?:runs: (?P<runs>\w+)|(?P<named>(?:run by|not run): [^\n]+)) -->\n"
_FENCE = re.compile(
    rf"(?:{_COMMENT})?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, without the indentation of a list that they stand in."""
    found = enumerate(_FENCE.finditer(page.read_text(encoding="utf-8")), 1)
    name = str(page.relative_to(BASE_DIR))
    return [
        Block(
            name,
            number,
            each["language"],
            re.sub(f"^{each['indent']}", "", each["text"], flags=re.MULTILINE),
            each["runs"] or "",
            each["named"] or "",
        )
        for number, each in found
    ]


BLOCKS = [block for page in DOCUMENTS for block in blocks_of(page)]


def code_of(text: str) -> list[str]:
    """Return fenced and indented blocks line by line, and code spans."""
    fenced = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    without = re.sub(r"```\w*\n.*?```", "", text, flags=re.DOTALL)
    indented = re.findall(r"^ {4}(.*)$", without, re.MULTILINE)
    return [*fenced, *indented, *re.findall(r"`([^`\n]+)`", without)]


def without_code(path: Path) -> str:
    text = re.sub(r"```\w*\n.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path: Path) -> set[str]:
    """Return a document's headings as GitHub names them: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
