"""The shapes of requests and answers of the partner API, as its document tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from portal.models import Proposal
from portal.models.proposals import MOST_OF_A_NOTE
from portal.proposals.fields import FIELDS
from postbacks.api.shapes import DeliveryState, Id, PageOf, WantedState

Changes = dict[str, str | dict[str, str] | None]


class PartnerPostbacksFilter(PageOf):
    after: Id = Field(0, description="The last id of the page before; stands in its `next`.")


class PartnerDeliveriesFilter(PageOf):
    state: WantedState | None = None
    postback: Id | None = None
    search: str = Field("", max_length=255, description="A delivery id, or an id of an order that is sent to you.")
    before: Id | None = Field(None, description="The last id of the page before; stands in its `next`.")


class OrderFilter(Schema):
    search: str = Field(min_length=1, max_length=255, description="An id of an order that is sent to you.")


class ProposalsFilter(PageOf):
    postback: Id | None = None
    state: Literal[tuple(Proposal.State.values)] | None = None  # type: ignore[valid-type]  # made of the choices
    before: Id | None = Field(None, description="The last id of the page before; stands in its `next`.")


class LastDay(Schema):
    """Counts of the last 24 hours."""

    attempts: int
    succeeded: int
    delivered: int
    failed: int


class PartnerPostback(Schema):
    id: int
    name: str
    url: str
    method: Literal["GET", "POST"]
    headers: str
    secret_headers: dict[str, str] = Field(description="Names; the mask stands for each value.")
    body_format: str
    body: dict[str, str] | list[dict[str, str]]
    body_raw: str
    asking: dict[str, str] = Field(
        description="How you want to be asked, by the keys of a proposal; the mask stands for each secret."
    )
    signed: bool
    state: Literal["active", "failing", "held", "paused"]
    state_text: str
    paused_by_you: bool
    waiting: str = Field(description="How many deliveries wait.")
    last_day: LastDay
    waiting_proposal: int | None


class PartnerPostbacksPage(Schema):
    postbacks: list[PartnerPostback]
    next: str | None


class PartnerDelivery(Schema):
    id: int
    delivery_id: str = Field(description="What {DeliveryId} is in its requests.")
    postback: int
    state: DeliveryState
    text: str = Field(description="Why it has not been sent, when it is tried, or how it ended.")
    order: dict[str, str] = Field(description="Ids of the order that its postback sends, by the parameter's name.")
    attempts_made: int
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None


class PartnerAttempt(Schema):
    """Personal data is masked unless the link shows it. `hidden` says why texts are not shown at all."""

    number: int
    started_at: datetime
    duration_ms: int
    succeeded: bool
    status: int | None
    reason: str
    method: str
    url: str
    request_headers: str
    request_body: str
    response_headers: str
    response_body: str
    hidden: str


class PartnerDeliveryWithAttempts(PartnerDelivery):
    values: dict[str, str] = Field(description="What its postback sends of the order, by the parameter's name.")
    attempts: list[PartnerAttempt]


class PartnerDeliveriesPage(Schema):
    deliveries: list[PartnerDelivery]
    next: str | None


class MissedPostback(Schema):
    postback: int
    name: str
    reasons: list[str]


class MissedMoment(Schema):
    at: datetime
    new: bool = Field(description="A new order; false for a change of one.")
    postbacks: list[MissedPostback]


class WhyNot(Schema):
    """What was sent of an order, and what was not; empty lists for an order that is not yours or does not exist."""

    deliveries: list[PartnerDelivery]
    missed: list[MissedMoment]


class ProposalShape(Schema):
    id: int
    postback: int
    changes: Changes = Field(description="By key; the mask stands for each secret.")
    note: str
    state: Literal[tuple(Proposal.State.values)]  # type: ignore[valid-type]  # made of the choices
    reason: str = Field(description="What the operator writes.")
    proposed_at: datetime
    ended_at: datetime | None


class ProposalsPage(Schema):
    proposals: list[ProposalShape]
    next: str | None


class PartnerKey(Schema):
    key: str = Field(description="Shown only now.")
    previous_until: datetime | None = Field(description="Until then requests are signed with the previous key as well.")


_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_SECRETS: dict[str, Any] = {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
CHANGES: dict[str, Any] = {
    "type": "object",
    "properties": {field.key: _SECRETS if field.named else _TEXT for field in FIELDS},
    "additionalProperties": False,
}
TRIAL: dict[str, Any] = {"type": "object", "properties": {"changes": CHANGES}, "additionalProperties": False}
NEW_PROPOSAL: dict[str, Any] = {
    "type": "object",
    "properties": {"changes": CHANGES, "note": {"type": "string", "maxLength": MOST_OF_A_NOTE}},
    "required": ["changes"],
    "additionalProperties": False,
}
