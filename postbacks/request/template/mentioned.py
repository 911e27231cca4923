"""Which values a template may write, by their names, wherever in it they stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from postbacks.request.template.errors import EnoughMistakesError, Mistakes
from postbacks.request.template.nodes import Attribute, Value
from postbacks.request.template.parser import parse


@lru_cache(maxsize=4096)  # As compiled templates.
def mentioned_in(source: str) -> frozenset[str]:
    """Names of parameters, and of attributes of items as `items.sku`; of a template with mistakes, those that can be
    read. What only decides, such as the condition of an `if`, counts as well: the result tells of it."""
    try:
        return frozenset(_names(parse(source, Mistakes(source))))
    except EnoughMistakesError:
        return frozenset()


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, Value):
        yield part.parameter.name
    elif isinstance(part, Attribute):
        yield f"items.{part.name}"
    elif isinstance(part, tuple):
        for each in part:
            yield from _names(each)
    elif is_dataclass(part):
        for field in fields(part):
            yield from _names(getattr(part, field.name))
