"""The shapes of requests and answers of the management API, as its document tells them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AwareDatetime

from partners.ids import MAX_ID
from postbacks.conditions.condition import OPERATORS
from postbacks.credentials.asking.fields import FIELDS
from postbacks.models import Postback

State = Literal["active", "held", "paused"]
DeliveryState = Literal["blocked", "ready", "sending", "delivered", "failed", "cancelled"]
WantedState = Literal["blocked", "ready", "sending", "delivered", "failed", "cancelled", "unfinished"]
MAX_OVERLAP_HOURS = 168  # A week, as on the screen.
Id = Annotated[int, Field(ge=0, le=MAX_ID)]


class PageOf(Schema):
    limit: int = Field(100, ge=1, le=1000, description="How many at most.")


class PostbackFilter(PageOf):
    partner: Id | None = None
    media_source: Id | None = None
    action_tracker: Id | None = None
    program: Id | None = None
    name: str | None = Field(None, max_length=200, description="The whole name.")
    state: State | None = None
    after: Id = Field(0, description="The last id of the page before; stands in its `next`.")


class DeliveryFilter(PageOf):
    search: str = Field("", max_length=255, description="An action id, order id, click id or delivery id.")
    state: WantedState | None = None
    partner: Id | None = None
    media_source: Id | None = None
    action_tracker: Id | None = None
    postback: Id | None = None
    replay: Id | None = None
    since: AwareDatetime | None = Field(None, description="Made at this moment or later; with a UTC offset.")
    until: AwareDatetime | None = Field(None, description="Made before this moment; with a UTC offset.")
    before: Id | None = Field(None, description="The last id of the page before; stands in its `next`.")


class PartnerFilter(PageOf):
    program: Id | None = None
    after: Id = Field(0, description="The last id of the page before; stands in its `next`.")


class ContractFilter(PageOf):
    partner: Id | None = None
    program: Id | None = None
    after: Id = Field(0, description="The last id of the page before; stands in its `next`.")


class ConditionShape(Schema):
    """What a value of an event must be. `value` or `values`, as the operator takes them."""

    parameter: str = Field(description="A parameter such as Amount, or an attribute of items such as items.sku.")
    operator: Literal[tuple(OPERATORS)]  # type: ignore[valid-type]  # made of the registry
    value: str | None = None
    values: list[str] | None = None
    items: Literal["any", "every"] | None = Field(None, description="Of items: whether one or all must do.")


class PostbackShape(Schema):
    """A postback: the keys of a configuration file, and what only reading tells."""

    id: int
    version: str = Field(description="Another one after each change; the `ETag` of the postback.")
    partner: int | None = Field(description="Its owner, or null for a network's.")
    media_source: int | None = Field(description="The network that owns it, or null for a partner's.")
    program: int
    name: str
    action_tracker: int
    event_trigger: Literal["always", "new", "changes"]
    scope: Literal["all", "involved"]
    install: bool
    in_app_event: str | None
    conditions_match: Literal["all", "any"] = Field(description="How many of the conditions must hold.")
    conditions: list[ConditionShape]
    url: str
    method: Literal["GET", "POST"]
    headers: str
    secret_headers: dict[str, str] = Field(description="Names; the mask stands for each value.")
    authentication: Literal["none", "basic", "oauth2"]
    basic_user: str
    basic_password: str = Field(description="The mask stands for it.")
    oauth_token_url: str
    oauth_client_id: str
    oauth_client_secret: str = Field(description="The mask stands for it.")
    oauth_client_auth: Literal["header", "body"] = Field(description="Where the token server wants id and secret.")
    oauth_scope: str
    oauth_audience: str
    oauth_parameters: str = Field(description="Sent to the token server besides, one `name=value` a line.")
    client_certificate: str = Field(description="PEM, with its chain.")
    client_key: str = Field(description="PEM, without a passphrase. The mask stands for it.")
    trusted_authorities: str = Field(description="PEM; the receiver is checked against these alone.")
    signed: bool
    body_format: Literal["json", "xml", "querystring"] | None
    body: dict[str, str] | list[dict[str, str]]
    body_raw: str
    minimum_delay: str | int
    maximum_requests: int | None
    send_trace: bool = Field(description="Whether requests that belong to a trace carry the header `traceparent`.")
    success_response: str
    error_response: str
    state: State
    state_text: str
    created_at: datetime
    updated_at: datetime
    warnings: list[str] = Field(description="What is legal but unlikely to be meant; after a change only.")


class PostbacksPage(Schema):
    postbacks: list[PostbackShape]
    next: str | None


class NewKey(Schema):
    key: str = Field(description="Shown only now; give it to the receiver.")
    previous_until: datetime | None = Field(description="Until then requests are signed with the previous key as well.")


class Deleted(Schema):
    cancelled: int = Field(description="How many waiting deliveries were cancelled.")


class Tried(Schema):
    """What a postback would send. `request` is null if `errors`, by key, say why."""

    event: str = Field(description="Where the values come from.")
    request: dict[str, Any] | None
    not_fired: str | None = Field(description="Why an event of these values does not meet the conditions.")
    words: dict[str, str] = Field(description="What the rules and conditions say, by key, in words.")
    errors: dict[str, list[str]]
    warnings: list[str]


class Tested(Tried):
    answer: dict[str, Any] | None = Field(
        description="success, verdict, milliseconds, status, headers, body; with OAuth 2.0, token."
    )


class AttemptShape(Schema):
    """What may reveal a customer is null without the scope `personal`."""

    number: int
    started_at: datetime
    duration_ms: int
    succeeded: bool
    reason: str
    method: str
    status: int | None
    url: str | None
    request_headers: str | None
    request_body: str | None
    response_headers: str | None
    response_body: str | None


class DeliveryShape(Schema):
    id: int
    state: DeliveryState
    text: str = Field(description="Why it has not been sent, when it is tried, or how it ended.")
    postback: int
    partner: int | None
    media_source: int | None
    action: str
    order_id: str
    event: str = Field(description="created, modified, reversed or restored.")
    event_number: int
    attempts_made: int
    replay: int | None
    resent_as: int = Field(description="The id that the receiver knows: that of the first delivery.")
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None


class DeliveryWithAttempts(DeliveryShape):
    attempts: list[AttemptShape]
    hidden: bool = Field(description="Whether texts are left out because they may hold personal data.")


class DeliveriesPage(Schema):
    deliveries: list[DeliveryShape]
    next: str | None


class CategoryShape(Schema):
    category: str
    payout: str


class TermShape(Schema):
    action_tracker: int
    start: date | None
    end: date | None
    payout: str = Field(description="A percentage such as 8%, or an amount such as 2.50.")
    monthly_action_limit: int | None
    monthly_payout_limit: str | None
    lock_after_days: int
    clear_after_days: int
    category_payouts: list[CategoryShape]


class ContractShape(Schema):
    id: int
    partner: int
    program: int
    start: date
    end: date | None
    terms: list[TermShape]


class ContractsPage(Schema):
    contracts: list[ContractShape]
    next: str | None


class PartnerShape(Schema):
    id: int
    name: str
    currency: str


class PartnersPage(Schema):
    partners: list[PartnerShape]
    next: str | None


_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_PAIRS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
_CONDITION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "parameter": {"type": "string"},
        "operator": {"enum": list(OPERATORS)},
        "value": {"type": ["string", "number", "null"]},
        "values": {"type": ["array", "null"], "items": {"type": ["string", "number"]}},
        "items": {"enum": ["any", "every", None]},
    },
    "required": ["parameter", "operator"],
    "additionalProperties": False,
}
_FIELDS: dict[str, Any] = {
    "name": {"type": "string", "maxLength": 200},
    "action_tracker": {"type": "integer"},
    "event_trigger": {"enum": [*Postback.EventTrigger.values, None]},
    "scope": {"enum": [*Postback.Scope.values, None]},
    "install": {"type": ["boolean", "null"]},
    "in_app_event": _TEXT,
    "conditions_match": {"enum": [*Postback.ConditionsMatch.values, None]},
    "conditions": {"type": ["array", "null"], "items": _CONDITION},
    "url": {"type": "string"},
    "method": {"enum": [*Postback.Method.values, None]},
    "headers": _TEXT,
    "secret_headers": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
    "authentication": {"enum": [*Postback.Authentication.values, None]},
    **{name: _TEXT for name in FIELDS if name not in ("authentication", "oauth_client_auth")},
    "oauth_client_auth": {"enum": [*Postback.ClientAuth.values, None]},
    "signed": {"type": ["boolean", "null"]},
    "body_format": {"enum": [*Postback.BodyFormat.values, None]},
    "body": {"anyOf": [_PAIRS, {"type": "array", "items": _PAIRS}, {"type": "null"}]},
    "body_raw": _TEXT,
    "minimum_delay": {"type": ["string", "integer", "null"]},
    "maximum_requests": {"type": ["integer", "null"]},
    "send_trace": {"type": ["boolean", "null"]},
    "success_response": _TEXT,
    "error_response": _TEXT,
}
_OWNERS: dict[str, Any] = {"partner": {"type": "integer"}, "media_source": {"type": "integer"}}
NEW_POSTBACK: dict[str, Any] = {
    "type": "object",
    "properties": {**_OWNERS, **_FIELDS},
    "required": ["name", "action_tracker", "url"],
    "additionalProperties": False,
}
CHANGES: dict[str, Any] = {"type": "object", "properties": _FIELDS, "additionalProperties": False}
KEY: dict[str, Any] = {
    "type": "object",
    "properties": {"overlap_hours": {"type": "integer", "minimum": 0, "maximum": MAX_OVERLAP_HOURS, "default": 24}},
    "additionalProperties": False,
}
_ACTION: dict[str, Any] = {"type": "string", "description": "Of which the values are taken; samples without it."}
TRIAL: dict[str, Any] = {
    "type": "object",
    "properties": {"action_id": _ACTION, "postback": CHANGES},
    "additionalProperties": False,
}
TRIAL_OF_NEW: dict[str, Any] = {
    "type": "object",
    "properties": {"action_id": _ACTION, "postback": {**NEW_POSTBACK, "required": ["action_tracker", "url"]}},
    "required": ["postback"],
    "additionalProperties": False,
}


def json_body(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The request body of an address, for the API's document."""
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}, **more}
