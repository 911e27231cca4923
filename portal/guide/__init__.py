"""The receiver's guide: one text, for docs/receivers.md and for a page of the portal."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_SOURCE = Path(__file__).with_name("receivers.md")
_COMMENT = re.compile(r"<!--.*?-->\n")  # Which test runs an example.


def text() -> str:
    """The guide in Markdown."""
    return _SOURCE.read_text(encoding="utf-8")


@cache
def page() -> SafeString:
    """The guide in HTML. It is ours, so it is safe; what looks like HTML in it is escaped all the same."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    return mark_safe(str(renderer.render(_COMMENT.sub("", text()))))  # noqa: S308 -- a text of the project
