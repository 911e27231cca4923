"""What can be put into a template, as data for whoever offers it: a form's palette, the reference. Pure.

Everything comes from the registries, and every result is rendered from its example with the sample event.
"""

from typing import TypedDict

from actions.reports.parameters import EVENTS, ITEM_ATTRIBUTES, PARAMETERS, Parameter, sample_values
from postbacks.request.template import Place, compile_template
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.signatures import Argument, Function


class ParameterEntry(TypedDict):
    """`insert` is what a click puts into the template; `documented` is false for names that only we know.

    All `events` have a value for it, on the condition that `carried` gives in words.
    """

    name: str
    insert: str
    type: str
    description: str
    example: str
    documented: bool
    events: list[str]
    carried: str


class ItemAttributeEntry(TypedDict):
    """`insert` belongs into the item template of a join whose loop name is i."""

    name: str
    insert: str
    type: str
    description: str
    example: str


class ArgumentEntry(TypedDict):
    """`default` says what holds where the argument is left out; None if it may not be."""

    name: str
    type: str
    default: str | None


class FunctionEntry(TypedDict):
    """`result` is what the `example`, which a click inserts, gives for the sample event as plain text."""

    name: str
    insert: str
    signature: str
    arguments: list[ArgumentEntry]
    description: str
    example: str
    result: str


class Palette(TypedDict):
    parameters: list[ParameterEntry]
    item_attributes: list[ItemAttributeEntry]
    functions: list[FunctionEntry]


def palette() -> Palette:
    """Return all that a template may hold, ready for JSON, in the order in which it is to be shown."""
    return {
        "parameters": [_parameter(each) for each in PARAMETERS.values()],
        "item_attributes": [
            {
                "name": each.name,
                "insert": f"{{i.{each.name}}}",
                "type": each.type.value,
                "description": each.description,
                "example": each.example,
            }
            for each in ITEM_ATTRIBUTES.values()
        ],
        "functions": [_function(each) for each in FUNCTIONS.values()],
    }


def example_result(template: str) -> str:
    """What a template gives as plain text for the sample event."""
    return compile_template(template, Place.TEXT).render(sample_values())


def _parameter(parameter: Parameter) -> ParameterEntry:
    return {
        "name": parameter.name,
        "insert": f"{{{parameter.name}}}",
        "type": parameter.type.value,
        "description": parameter.description,
        "example": parameter.example,
        "documented": parameter.documented,
        "events": list(EVENTS),
        "carried": parameter.carried.value,
    }


def _function(function: Function) -> FunctionEntry:
    return {
        "name": function.name,
        "insert": function.example,
        "signature": function.signature,
        "arguments": [_argument(each) for each in function.arguments],
        "description": function.summary,
        "example": function.example,
        "result": example_result(function.example),
    }


def _argument(argument: Argument) -> ArgumentEntry:
    kind = argument.kind.name.lower().replace("_", " ")
    return {"name": argument.name, "type": kind, "default": argument.default or None}
