"""What a parsed template consists of. An `offset` is a node's place in the whole template, for error messages.

No node is ever changed. Those that most templates have many of are not frozen: to make these takes three times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actions.reports.parameters import Parameter, ParameterType
from postbacks.request.template.places import Place
from postbacks.request.template.tokens import Span

if TYPE_CHECKING:
    from postbacks.request.template.signatures import Function


@dataclass(slots=True)
class Literal:
    """Template text. `exact` marks the argument of `text(...)`, in which braces need no excuse.

    Inside a document that is itself a value, `span` is what the document's reader sees, and `written` what stands for
    it in the request.
    """

    span: Span
    exact: bool = False
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A string or number written as an argument."""

    text: str
    numeric: bool


@dataclass(slots=True)
class Value:
    """A parameter: `{Payout}`. `always`: also where it is hidden, since it is not written but says how to write."""

    parameter: Parameter
    offset: int
    always: bool = False


@dataclass(slots=True)
class Position:
    """The loop name by itself: the item's position, counted from 1."""

    offset: int


@dataclass(slots=True)
class Attribute:
    """An attribute of the loop's item: `{i.sku}`."""

    name: str
    type: ParameterType
    offset: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The condition of an `if`. The right side is absent for `empty`."""

    operator: str
    left: Expression
    right: Expression | None


@dataclass(frozen=True, slots=True)
class Call:
    """A function of plain values. `apply` knows the fixed arguments; it is None for `if`, which has a condition."""

    function: Function
    apply: Callable[..., str] | None
    arguments: tuple[Expression, ...]
    condition: Comparison | None
    offset: int


@dataclass(frozen=True, slots=True)
class Join:
    """`join(items, i, "item template", "separator", "prefix")`."""

    item: tuple[Node, ...]
    separator: Literal
    prefix: Literal
    offset: int


@dataclass(frozen=True, slots=True)
class Raw:
    """A value that is to stand as it is, without encoding.

    `implied` marks the first value of an address inside a value, which brings its own scheme and host.
    """

    value: Expression
    offset: int
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Nested:
    """A document of its own inside a value. `field` is the same without taking it for a document."""

    place: Place
    nodes: tuple[Node, ...]
    field: tuple[Node, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class QueryMark:
    """`&` in a query that a join has begun, `?` where there are no items and it has not."""

    offset: int


Expression = Constant | Value | Position | Attribute | Call | Join
"""What has a plain value: what a function takes."""

Node = Literal | Value | Position | Attribute | Call | Join | Raw | Nested | QueryMark
"""What a template is a sequence of."""


def literal_text(nodes: Iterable[Node]) -> str:
    """All the literal text of a template, without its values."""
    pieces: list[str] = []
    for node in nodes:
        if isinstance(node, Literal):
            pieces.append(node.span.text)
        elif isinstance(node, Join):
            pieces.append(literal_text((node.prefix, *node.item, node.separator)))
    return "".join(pieces)
