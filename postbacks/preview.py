"""Events for previews, from a file or a recorded action, as the values from which a request is built."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from actions.models import Action, ActionEvent
from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS, ParameterType
from partners.ids import read_id
from postbacks.conditions.judging import unmet
from postbacks.matching import conditions_of
from postbacks.models import Postback
from postbacks.request.building import RequestTemplate
from postbacks.request.template.hints import ITEM_ALIASES, PARAMETER_ALIASES, did_you_mean
from postbacks.request.template.numbers import number_writer, plain_number
from postbacks.validation import request_template

_OF_THE_DELIVERY: Final = ("DeliveryId", "Attempt", "ActionEvent")  # Known only to a delivery, not to an event.
_ORDER_ACTIONS: Final = 100  # Actions that are looked at for one order id; a real one has a handful.
_money = number_writer(2, ".", "")


class EventFileError(ValueError):
    """A file that cannot be read as an event; the text says what is wrong and where."""


class _Digits(str):
    """A JSON number with its digits as written in the file: 1.10 must not become 1.1."""

    __slots__ = ()


@dataclass(slots=True)
class PreviewEvent:
    """The values of a snapshot (see `actions.reports.parameters`), and warnings about the file."""

    values: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def read_event(text: str) -> PreviewEvent:
    """Reads an event file: a JSON object with parameter names as keys, and `items`, a list of objects with attributes.

    Strings are used as they are, numbers keep their digits (money gets two decimals), null counts as absent. A name
    that no template can use causes a warning. Raises `EventFileError`.
    """
    try:
        document = json.loads(text, parse_int=_Digits, parse_float=_Digits, parse_constant=_Digits)
    except json.JSONDecodeError as error:
        raise EventFileError(f"not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise EventFileError("not an event: its JSON is nested too deeply") from error
    if not isinstance(document, dict):
        raise EventFileError("not an event: expected a JSON object of parameter names and values")
    event = PreviewEvent(delivery_samples())
    items = document.pop("items", None)
    for name, value in document.items():
        parameter = PARAMETERS.get(name)
        if parameter is None:
            hint = did_you_mean(name, (*PARAMETERS, "items"), "%s", PARAMETER_ALIASES)
            event.warnings.append(f"{name} is not a parameter and is ignored. {hint}".rstrip())
        else:
            event.values[name] = _text(name, parameter.type, value)
    event.values["items"] = _items(items, event.warnings)
    return event


def recorded_event(action_id: str, number: int | None) -> PreviewEvent:
    """Reads an event of a recorded action from the database: the one with this number, or the latest.

    Raises `EventFileError` if there is none.
    """
    if _ids_in(action_id) is None:
        raise EventFileError(f"“{action_id}” is not an action id, which is three numbers such as 1000.2001.158133")
    action = _action_of(action_id)
    if action is None:
        raise EventFileError(f"there is no action {action_id}")
    events = ActionEvent.objects.filter(action=action)
    event = events.order_by("number").last() if number is None else events.filter(number=number).first()
    if event is None:
        raise EventFileError(f"action {action_id} has no event{'' if number is None else f' {number}'}")
    return PreviewEvent(delivery_samples() | event.parameters | {"ActionEvent": event.kind})


def action_named(postback: Postback, text: str) -> str:
    """The id of the action that an operator means by an action id or an order id: of several with one order id, the
    newest that fits the postback. What names none comes back as it is."""
    if not text or _action_of(text) is not None:
        return text
    found = Action.objects.filter(order_id=text).order_by("-id")[:_ORDER_ACTIONS]
    fits = [each for each in found if postback.partner_id in (None, each.partner_id)]
    exact = [each for each in fits if postback.action_tracker_id in (None, each.action_tracker_id)]
    named = next(iter([*exact, *fits, *found]), None)
    return text if named is None else named.action_id


def configured_request(postback_id: int) -> tuple[RequestTemplate, frozenset[str]] | None:
    """Reads a postback's request and the parameters that its event type hides. None if there is no such postback."""
    postback = Postback.objects.existing().select_related("action_tracker").filter(pk=postback_id).first()
    if postback is None:
        return None
    return request_template(postback), frozenset(postback.action_tracker.hidden_parameters)


def would_not_fire(postback: Postback, values: Mapping[str, Any]) -> str | None:
    """A sentence that says why an event of these values does not meet the postback's conditions; None if it does."""
    why = unmet(conditions_of(postback), values)
    return why and f"Would not fire: {why}."


def configured_refusal(postback_id: int, values: Mapping[str, Any]) -> str | None:
    """The same for the postback in the database of this id, which exists."""
    return would_not_fire(Postback.objects.select_related("action_tracker").get(pk=postback_id), values)


def _ids_in(action_id: str) -> tuple[int, int, int] | None:
    """Program, event type and sequence; None if it is no action id."""
    ids = [key for part in action_id.split(".") if (key := read_id(part)) is not None]
    return (ids[0], ids[1], ids[2]) if len(ids) == 3 and action_id.count(".") == 2 else None


def _action_of(action_id: str) -> Action | None:
    ids = _ids_in(action_id)
    if ids is None:
        return None
    return Action.objects.filter(program_id=ids[0], action_tracker_id=ids[1], pk=ids[2]).first()


def delivery_samples() -> dict[str, Any]:
    """Sample values for what only a delivery knows, for events without a delivery."""
    return {name: PARAMETERS[name].example for name in _OF_THE_DELIVERY}


def _items(items: object, warnings: list[str]) -> list[dict[str, str]]:
    if items is None:
        return []
    if not isinstance(items, list):
        raise EventFileError("items is not a list")
    read: list[dict[str, str]] = []
    for position, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise EventFileError(f"item {position} is not an object such as {{“sku”: “GH23”}}")
        read.append(_item(position, item, warnings))
    return read


def _item(position: int, item: Mapping[str, object], warnings: list[str]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for name, value in item.items():
        if name in ITEM_ATTRIBUTES:
            attributes[name] = _text(f"{name} of item {position}", ITEM_ATTRIBUTES[name].type, value)
        else:
            hint = did_you_mean(name, ITEM_ATTRIBUTES, "%s", ITEM_ALIASES)
            warnings.append(f"{name} of item {position} is not an item attribute and is ignored. {hint}".rstrip())
    return attributes


def _text(name: str, kind: ParameterType, value: object) -> str:
    """A value of the file in the form a snapshot holds."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Digits):
        if plain_number(value) is None:
            raise EventFileError(f"{name} is {value[:40]}; write the number in plain digits, such as 460.93")
        return _money(value) if kind is ParameterType.MONEY else str(value)
    if isinstance(value, str):
        return value
    raise EventFileError(f"{name} is a list or an object; expected a string, a number or null")
