"""The pages of the documentation, as tests read them."""

from __future__ import annotations

import re
from pathlib import Path

from environment.variables import BASE_DIR

DOCUMENTS = [*sorted(BASE_DIR.glob("*.md")), *sorted((BASE_DIR / "docs").glob("*.md"))]


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
