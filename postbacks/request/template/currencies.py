"""Which currency the money in an expression is in."""

from actions.reports.parameters import ITEM_ATTRIBUTES
from postbacks.request.template.nodes import Attribute, Call, Expression, Value


def currencies_of(value: Expression) -> set[str]:
    """The parameters that hold the currency of the money in a value."""
    if isinstance(value, Value):
        return {value.parameter.currency} - {""}
    if isinstance(value, Attribute):
        return {ITEM_ATTRIBUTES[value.name].currency} - {""}
    return set().union(*map(currencies_of, value.arguments)) if isinstance(value, Call) else set()
