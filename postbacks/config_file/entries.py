"""Turns the tree of a file into entries with known keys and values of the right type."""

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS

from postbacks.config_file.document import Mapping, Node, Scalar, Sequence
from postbacks.config_file.keys import DOCUMENT, EntryKind, Key
from postbacks.config_file.problems import Place, Problem, did_you_mean


@dataclass(slots=True)
class Entry:
    """One program, partner, postback and so on in the file.

    `values` holds model fields, with defaults for what the file leaves out; `places` says where each is given. A field
    in `broken` is wrong or missing, and not in `values`. `lists` holds the entries below this one.
    """

    kind: EntryKind
    place: Place
    values: dict[str, Any]
    places: dict[str, Place] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    lists: "dict[str, list[Entry]]" = field(default_factory=dict)
    identity: tuple[Any, ...] | None = None  # What it is recognised by, once known.

    def place_of(self, model_field: str) -> Place:
        """The place of the value of a model field, or else of the entry."""
        return self.places.get(model_field, self.place)

    def place_naming(self, model_field: str) -> Place:
        """The same for a model field that an error or a warning names: its key is named also where the file leaves it
        out."""
        if model_field == NON_FIELD_ERRORS:
            return self.place
        for name in (model_field, f"{model_field}_id"):
            if name in self.places:
                return self.places[name]
        key = self.kind.key_of_field(model_field)
        return self.place.key(key, self.place.line) if key else self.place


def read_entries(root: Node) -> tuple[Entry, list[Problem]]:
    """The whole file as one entry with its lists, and every problem with its shape."""
    problems: list[Problem] = []
    return read_entry(DOCUMENT, root, Place("", root.line), problems), problems


def read_entry(kind: EntryKind, node: Node, place: Place, problems: list[Problem]) -> Entry:
    """One entry with its lists; every problem with its shape is added to `problems`."""
    entry = Entry(kind, place, kind.defaults(), lists={name: [] for name in kind.lists})
    if kind.scalar and isinstance(node, Scalar):
        node = Mapping(node.line, {kind.scalar: node}, {kind.scalar: node.line})
    if not isinstance(node, Mapping):
        problems.append(Problem(place, _wanted(kind)))
        entry.broken = {name for key in kind.keys for name in key.model_fields}
        return entry
    known = [key.name for key in kind.keys] + list(kind.lists)
    for name, line in node.lines.items():
        if name not in known:
            problems.append(Problem(place.key(name, line), f"Unknown key. {did_you_mean(name, known)}"))
    for key in kind.keys:
        _read_key(entry, key, node, problems)
    for name, below in kind.lists.items():
        entry.lists[name] = _read_list(below, name, node, place, problems)
    return entry


def _read_key(entry: Entry, key: Key, node: Mapping, problems: list[Problem]) -> None:
    value = node.items.get(key.name)
    if value is None or (isinstance(value, Scalar) and (value.is_null or (key.required and not value.text.strip()))):
        if key.required:
            entry.broken.update(key.model_fields)
            problems.append(Problem(entry.place, f"{key.name} is missing. Every {entry.kind.label} needs it."))
        return
    place = entry.place.key(key.name, node.lines[key.name])
    entry.places.update(dict.fromkeys(key.model_fields, place))
    try:
        read = key.read(value)
    except ValueError as problem:
        problems.append(Problem(place, str(problem)))
        entry.broken.update(key.model_fields)
        for name in key.model_fields:
            entry.values.pop(name, None)
        return
    values = read if len(key.model_fields) > 1 else (read,)
    entry.values.update(zip(key.model_fields, values, strict=True))


def _read_list(kind: EntryKind, name: str, node: Mapping, place: Place, problems: list[Problem]) -> list[Entry]:
    value = node.items.get(name)
    if value is None or (isinstance(value, Scalar) and value.is_null):
        return []
    list_place = place.key(name, node.lines[name])
    if not isinstance(value, Sequence):
        problems.append(Problem(list_place, f"This must be a list of {kind.label}s, each after a dash."))
        return []
    return [read_entry(kind, item, list_place.item(i, item.line), problems) for i, item in enumerate(value.items)]


def _wanted(kind: EntryKind) -> str:
    if kind.scalar:
        return f"This must be the {kind.scalar} of an {kind.label}, as a string."
    names = ", ".join([key.name for key in kind.keys] + list(kind.lists))
    return f"This must be a mapping with the keys of a {kind.label}: {names}."
