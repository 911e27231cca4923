"""Values that come as JSON, as the tree of a file: so they are read by the same keys, with the same messages."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import Any

from postbacks.config_file.document import Mapping, Node, Scalar, Sequence
from postbacks.config_file.problems import Place, Problem

_LINE = 1  # JSON that a program sends has no lines worth naming.


def tree_of(value: Any, place: Place, problems: list[Problem]) -> Node:
    """The tree of a value out of JSON. Text that cannot be stored is added to `problems`."""
    if isinstance(value, AnyMapping):
        items = {str(key): tree_of(each, place.key(str(key), _LINE), problems) for key, each in value.items()}
        return Mapping(_LINE, items, dict.fromkeys(items, _LINE))
    if isinstance(value, list | tuple):
        return Sequence(_LINE, [tree_of(each, place.item(index, _LINE), problems) for index, each in enumerate(value)])
    if isinstance(value, bool):
        return Scalar(_LINE, str(value).lower(), is_null=False, boolean=value)
    text = "" if value is None else str(value)
    if "\0" in text:
        problems.append(Problem(place, "The character U+0000 cannot be stored. Remove it."))
        text = ""
    return Scalar(_LINE, text, is_null=value is None, boolean=None)
