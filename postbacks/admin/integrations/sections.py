"""What other apps show on the page of a partner or a network. They add it; nothing here knows them."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.utils.safestring import SafeString

from postbacks.admin.integrations.owners import Owner

Section = Callable[[HttpRequest, Owner], SafeString]
_SECTIONS: list[Section] = []


def add_section(section: Section) -> None:
    """Adds a function that makes a section for an owner, as this user may see it; empty text where there is none."""
    if section not in _SECTIONS:
        _SECTIONS.append(section)


def sections_of(request: HttpRequest, owner: Owner) -> list[SafeString]:
    return [html for section in _SECTIONS if (html := section(request, owner))]
