"""What the API's own document says of reports and of errors, made of the registries by which they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ninja.openapi.schema import OpenAPISchema

from actions.api.addresses import ACCOUNTS
from actions.api.answers import error_content, to_xml
from actions.api.fields import FORM, JSON, LINES
from actions.api.negotiation import XML
from actions.reports import documented
from actions.reports.customer_email import FIELD as CUSTOMER_EMAIL
from actions.reports.item_names import ATTRIBUTES
from actions.reports.known_names import ALIASES, KEPT, WORKED_OUT
from actions.reports.parameters import FREE_OF_ITEMS, ITEM_ATTRIBUTES, PARAMETERS, ParameterType
from actions.reports.report import LONG_TEXTS, READERS

REPORT: Final = {"$ref": "#/components/schemas/Report"}

# What decides: the description of each, and an example.
DECIDING: Final[Mapping[str, tuple[str, object]]] = {
    "Event": ("What has happened: created, modified, reversed or restored.", "created"),
    "CampaignId": ("The program's id; a new action needs it.", 1000),
    "ActionTrackerId": ("The event type's id; a new action needs it.", 2001),
    "EventTypeCode": ("The event type's code, where it has one.", "SALE"),
    "OrderId": ("The order's id; a new action needs it. IR_AN_64_TS asks for one to be made up.", "SS-50121"),
    "ActionId": ("Of a change: the action's id.", "1000.2001.158133"),
    "EventDate": (
        "When it took place, in ISO 8601, or NOW; a new action needs it. Offsets reach from -14:00 to +14:00.",
        "2026-11-20T10:42:38-07:00",
    ),
    "MediaPartnerId": ("The partner to credit.", 3001),
    "CurrencyCode": ("The currency of the cart; the program's if it is missing.", "USD"),
    "EventCode": ("Mobile apps need it: one of the event type's in-app events, or INSTALL.", "INSTALL"),
    "Amount": ("The total of an order without items, before OrderDiscount.", "107.23"),
    "OrderSubTotalPostDiscount": ("The total after all discounts.", "97.23"),
    "OrderDiscount": ("A discount of the whole order.", "10.00"),
    "Reason": ("The reason of a change, at most 100 characters; postbacks carry it as StatusDetail.", "ITEM_RETURNED"),
    "DispositionCode": (
        "Of a reversal or a change: the reason, as Reason; beside another Reason both are kept.",
        "RETURNED",
    ),
    "MediaSourceIds": ("Networks that took part: a list, or text with commas.", "4001,4002"),
}
_OF_ITEMS: Final[Mapping[str, tuple[str, object]]] = {
    "Sku": ("The item's SKU; a change needs it.", "GH23"),
    "Category": ("Its category.", "Watches"),
    "Name": ("Its name.", "Diver watch"),
    "Quantity": ("How many were bought; 1 if it is missing.", 3),
    "SubTotal": ("What the whole line cost, before discounts.", "63.65"),
    "Price": ("What one piece cost, before discounts.", "21.22"),
    "Amount": ("What the line cost after its own discount.", "60.65"),
    "Discount": ("The line's discount for each piece.", "1.00"),
    "TotalDiscount": ("The line's discount, all pieces together.", "3.00"),
    "DiscountRate": ("The line's discount in percent.", "5"),
    "cartamt": ("What the line cost after all discounts.", "57.65"),
    "QuantityDelta": ("Of a change: how many more; negative for fewer.", -1),
    "SubTotalDelta": ("Of a change: how much more the line costs.", "-21.22"),
}
_TYPES: Final = {ParameterType.DATE: "string", ParameterType.TEXT: "string"}

_SALE: Final = {
    "CampaignId": 1000,
    "ActionTrackerId": 2001,
    "EventDate": "2026-11-20T10:42:38-07:00",
    "OrderId": "SS-50121",
    "CurrencyCode": "USD",
    "PromoCode": "HARBOR10",
}
EXAMPLES: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "conversion": (
        _SALE | {"Items": [{"Sku": "GH23", "Category": "Watches", "Quantity": 3, "SubTotal": "63.65"}]},
        _SALE | {"ItemSku1": "GH23", "ItemCategory1": "Watches", "ItemQuantity1": 3, "ItemSubTotal1": "63.65"},
        _SALE | {"Amount": "107.23", "OrderDiscount": "10.00"},
    ),
    "change": (
        {"ActionId": "1000.2001.158133", "Amount": "80.00", "Reason": "ITEM_RETURNED"},
        {
            "ActionTrackerId": 2001,
            "OrderId": "SS-50121",
            "Items": [{"Sku": "GH23", "Quantity": 2, "SubTotal": "42.43"}],
        },
        {"ActionId": "1000.2001.158133", "Event": "restored"},
    ),
    "reversal": ({"ActionId": "1000.2001.158133", "DispositionCode": "CONS_FRAUD"},),
}

ERRORS: Final[Mapping[int, tuple[str, tuple[str, ...]]]] = {
    400: (
        "The request itself is wrong, and nothing is recorded. `field` names the field at fault.",
        ("EventDate: 'soon' is not a date; ISO 8601 is expected.", "EventDate", "MALFORMED"),
    ),
    401: ("The SID and a token in force are needed, as user name and password.", ("A token in force is needed.",)),
    403: ("The token may not do this.", ("The token may not do this.",)),
    404: ("There is no such address, or no such row.", ("There is no action '1.2.3'.", "ActionId", "ACTION_NOT_FOUND")),
    405: (
        "The address does not serve this method; `Allow` names those it serves.",
        ("PATCH is not served here.",),
    ),
    409: ("The request contradicts what is there.", ("The request contradicts what is there.",)),
    412: ("It has changed since it was read.", ("It has changed since you read it. Read it again.", "If-Match")),
    413: ("The body is too large; nothing is recorded.", ("The body is larger than 1,048,576 bytes.",)),
    415: ("The body is of a kind that is not read here.", (f"A batch is {LINES}, one JSON object a line.",)),
    422: ("The Idempotency-Key came with another body before.", ("Use a new key for a new batch.", "Idempotency-Key")),
    428: ("The change does not say what it was made from.", ("Send the ETag that you read.", "If-Match")),
    429: ("The token has used up its second.", ("More than 1,000 requests in one second; go on in the next.",)),
    500: ("A fault of this system, noted in its log. Send the request again.", ("A fault of this system.",)),
    501: ("This is not offered here.", ("Reports are not offered here.",)),
    503: ("The database does not answer, and nothing was recorded. Send it again.", ("Send the request again later.",)),
}
"""By status what it means, and the message, field and code of an example."""


def described(document: OpenAPISchema) -> OpenAPISchema:
    """The document with the fields of reports, and with every error of every address: also of those that are new."""
    document["components"].setdefault("schemas", {})["Report"] = report_schema()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status in ERRORS:
                    _describe(status, response, xml=path.startswith(ACCOUNTS))
    return document


def report_body(description: str, kind: str) -> dict[str, Any]:
    """The body and the query of an address that takes one report; `kind` is a key of `EXAMPLES`."""
    json = {f"example {number}": {"value": value} for number, value in enumerate(EXAMPLES[kind], 1)}
    form = {name: each for name, each in json.items() if "Items" not in each["value"]}
    return {
        "requestBody": {
            "description": f"{description} The same fields may come in the query instead, or in both.",
            "content": {FORM: {"schema": REPORT, "examples": form}, JSON: {"schema": REPORT, "examples": json}},
        },
        "parameters": [
            {
                "name": "fields",
                "in": "query",
                "style": "form",
                "explode": True,
                "schema": REPORT,
                "example": {},
                "description": "Fields that do not come in the body. One with two different values is refused.",
            }
        ],
    }


def report_schema() -> dict[str, Any]:
    """Every field of a report, by name."""
    return {
        "type": "object",
        "description": (
            "Names count in any case and without `_`, `-` and blanks. Empty and null count as missing. Any other field "
            "is kept with the action and named in the submission's notes, unless it is near one that decides."
        ),
        "properties": dict(_properties()),
        "patternProperties": dict(_flat_items()),
        "additionalProperties": True,
    }


def _properties() -> Iterator[tuple[str, Any]]:
    for name in READERS:
        yield name, _field(*DECIDING[name])
    yield "Items", {"type": "array", "maxItems": 1000, "items": _item(), "description": "The lines of the order."}
    for name, field in ALIASES.items():
        yield name, _field(f"The same as {field}.")
    for name, parameter in PARAMETERS.items():
        if name in WORKED_OUT:
            yield name, _field("Follows from the action; a reported value is not used.")
        elif name not in ALIASES and name not in READERS:
            yield name, _parameter(parameter.type, f"{parameter.description}.", parameter.example, name)
    for name in sorted(KEPT):
        yield name, _field("Kept with the action; an attribution rule may find the partner by it.")
    for name in sorted(documented.UNUSED - READERS.keys()):
        yield name, _field("Kept with the action; no postback can carry it.")


def _item() -> dict[str, Any]:
    told = {name: ITEM_ATTRIBUTES[each.name] for name, each in ATTRIBUTES.items() if each.told}
    return {
        "type": "object",
        "properties": {name: _field(description, example) for name, (description, example) in _OF_ITEMS.items()}
        | {name: _parameter(each.type, f"{each.description}.", each.example) for name, each in told.items()},
    }


def _flat_items() -> Iterator[tuple[str, Any]]:
    for name, each in ATTRIBUTES.items():
        if name == "cartamt" or (each.told and name[-1].isdigit()):
            continue
        description = ITEM_ATTRIBUTES[each.name].description if each.told else _OF_ITEMS[name][0].rstrip(".")
        yield f"^Item{name}[0-9]*$", _field(f"{description}; the number is that of the line.")
    for name, last in FREE_OF_ITEMS.items():
        numbers = f"^Item{name.capitalize()}[0-9]+_[0-9]+$"
        yield numbers, _field(f"A free field: the number of the line, then its own, up to {last}.")


def _field(description: str, example: object = None) -> dict[str, Any]:
    shown = {} if example is None else {"examples": [example]}
    return {"type": ["string", "number"], "description": description, **shown}


def _parameter(kind: ParameterType, description: str, example: str, name: str = "") -> dict[str, Any]:
    field = _field(description, example) | {"type": _TYPES.get(kind, ["string", "number"])}
    if name == CUSTOMER_EMAIL:
        return field | {"pattern": "^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$"}
    return field | ({"maxLength": LONG_TEXTS.get(name, 255)} if kind is ParameterType.TEXT else {})


def _describe(status: int, response: dict[str, Any], *, xml: bool) -> None:
    response["description"], example = ERRORS[status]
    content = error_content(*example)
    schema = response.get("content", {}).get(JSON, {}).get("schema", {"$ref": "#/components/schemas/Error"})
    response["content"] = {JSON: {"schema": schema, "example": content}}
    if xml:
        response["content"][XML] = {"schema": schema, "example": to_xml(content).decode()}
