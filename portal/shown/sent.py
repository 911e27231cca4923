"""Which values of an event a postback sends as they are. Pure.

A value that only goes into a function, such as a hash or a comparison, is not sent: its reader has never had it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from actions.reports.parameters import is_personal
from postbacks.models import Postback
from postbacks.request.template.errors import Mistakes
from postbacks.request.template.nodes import Raw, Value
from postbacks.request.template.parser import parse
from value_types.secret_text import MASK

ACTION_ID: Final = "ActionId"
ORDER_ID: Final = "Oid"
CLICK_ID: Final = "RefClickId"
SEARCHED: Final = {ACTION_ID: "Action", ORDER_ID: "Order", CLICK_ID: "Click"}
"""What tells orders apart, by the name in templates; of these a reader may search what is sent."""


def sent_by(postback: Postback) -> frozenset[str]:
    """The parameters that it sends as they are, with its event type loaded."""
    templates = [postback.url, *(line.partition(":")[2] for line in postback.headers.splitlines())]
    if postback.method != Postback.Method.GET:
        templates += [postback.body_raw, *(template for _key, template in postback.body_pairs)]
    return _sent(tuple(templates)) - frozenset(postback.action_tracker.hidden_parameters)


def values_shown(
    postback: Postback, values: Mapping[str, Any], event_kind: str, *, personal: bool
) -> list[tuple[str, str]]:
    """By name what the postback sends of these values of an event; without `personal`, of what tells who or where the
    customer is only that it is there."""
    values = {**values, "ActionEvent": event_kind}
    shown = []
    for name in sorted(sent_by(postback)):
        value = values.get(name)
        if value not in (None, "") and not isinstance(value, list | dict):
            shown.append((name, str(value) if personal or not is_personal(name) else MASK))
    return shown


@lru_cache(maxsize=4096)
def _sent(templates: tuple[str, ...]) -> frozenset[str]:
    found = set()
    for source in templates:
        for node in parse(source, Mistakes(source)):
            inner = node.value if isinstance(node, Raw) else node
            if isinstance(inner, Value):
                found.add(inner.parameter.name)
    return frozenset(found)
