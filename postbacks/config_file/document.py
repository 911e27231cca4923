"""The text of a configuration file as a tree that knows its lines.

Values stay as they are written: whether `2026-01-01` is a date or a text is for the key to say, so nothing that looks
like a number or a yes changes on the way.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import yaml

from postbacks.config_file.problems import ConfigError, Place, Problem

# libyaml also takes tabs between the tokens of JSON, which the Python scanner refuses. Every wheel of PyYAML has it.
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_BLOCK_STYLES = ("|", ">")
_YES = frozenset({"yes", "true", "on"})

# JSON writes characters beyond U+FFFF as two escapes, which YAML does not join. Escaped backslashes before are kept.
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: its text as written (a block without its last line end), and what YAML takes it for."""

    line: int
    text: str
    is_null: bool
    boolean: bool | None


@dataclass(frozen=True, slots=True)
class Sequence:
    line: int
    items: "list[Node]"


@dataclass(frozen=True, slots=True)
class Mapping:
    """Key to value in the order of the file, and the line of each key."""

    line: int
    items: "dict[str, Node]"
    lines: dict[str, int]


Node = Scalar | Sequence | Mapping


def read_document(text: str) -> Node:
    """The tree of a YAML or JSON text. Raises ConfigError with line and column where it is not well formed, and with
    every key that stands twice."""
    try:
        root = yaml.compose(_joined_surrogates(text), Loader=_LOADER)
    except yaml.YAMLError as error:
        raise ConfigError([_syntax_problem(error)]) from error
    if root is None:
        raise ConfigError([Problem(Place("", 1), "The file is empty. Write `{}` if nothing is meant.")])
    builder = _Builder()
    tree = builder.build(root, "")
    if builder.problems:
        raise ConfigError(builder.problems)
    return tree


def _joined_surrogates(text: str) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return text
    return _SURROGATES.sub(lambda found: found[1] + json.loads(f'"\\u{found[2]}\\u{found[3]}"'), text)


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    column = f", column {mark.column + 1}" if mark else ""
    meaning = f"{said} {context}" if context else said
    return Problem(Place("", mark.line + 1 if mark else 1), f"This is not valid YAML{column}: {meaning}.")


class _Builder:
    """Turns YAML's nodes into ours. A node that is used again through an alias is built once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._built: dict[int, Node | None] = {}  # None while it is being built.

    def build(self, node: yaml.Node, path: str) -> Node:
        if id(node) in self._built:
            built = self._built[id(node)]
            if built is None:
                raise ConfigError([Problem(_place(path, node), "This part contains itself through an alias.")])
            return built
        self._built[id(node)] = None
        built = self._build(node, path)
        self._built[id(node)] = built
        return built

    def _build(self, node: yaml.Node, path: str) -> Node:
        line: int = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, line)
        if isinstance(node, yaml.SequenceNode):
            return Sequence(line, [self.build(item, f"{path}[{index}]") for index, item in enumerate(node.value)])
        if not isinstance(node, yaml.ScalarNode):
            raise TypeError(f"YAML has no node such as {node}.")
        return self._scalar(node, path, line)

    def _scalar(self, node: yaml.ScalarNode, path: str, line: int) -> Scalar:
        # A block (`|`) ends in a line end that nobody means: a header block is its lines, a raw body its text.
        text = node.value.removesuffix("\n") if node.style in _BLOCK_STYLES else node.value
        if "\0" in text:
            self.problems.append(Problem(_place(path, node), "The character U+0000 cannot be stored. Take it out."))
        boolean = text.lower() in _YES if node.tag == _BOOL else None
        return Scalar(line, "" if node.tag == _NULL else text, node.tag == _NULL, boolean)

    def _mapping(self, node: yaml.MappingNode, path: str, line: int) -> Mapping:
        items: dict[str, Node] = {}
        lines: dict[str, int] = {}
        merged: list[Node] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(_place(path, key_node), "A key must be a plain text."))
                continue
            key = key_node.value
            key_path = f"{path}.{key}" if path else key
            value = self.build(value_node, key_path)
            if key_node.tag == _MERGE:
                merged += value.items if isinstance(value, Sequence) else [value]
            elif key in items:
                message = f"This key stands twice; it was given in line {lines[key]} before. Take one of them away."
                self.problems.append(Problem(_place(key_path, key_node), message))
            else:
                items[key], lines[key] = value, key_node.start_mark.line + 1
        self._merge(merged, items, lines, Place(path, line))
        return Mapping(line, items, lines)

    def _merge(self, merged: list[Node], items: dict[str, Node], lines: dict[str, int], place: Place) -> None:
        """Adds what `<<: *other` brings in; a key that the mapping itself has, or an earlier merge, stays."""
        for other in merged:
            if not isinstance(other, Mapping):
                self.problems.append(Problem(place, "`<<` takes over a mapping, or a list of mappings."))
                continue
            for key, value in other.items.items():
                items.setdefault(key, value)
                lines.setdefault(key, other.lines[key])


def _place(path: str, node: yaml.Node) -> Place:
    return Place(path, node.start_mark.line + 1)
