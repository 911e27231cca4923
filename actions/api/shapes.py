"""The shapes of requests and answers, as the API's document tells them."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from ninja import Field, Schema


class Queued(Schema):
    """The request is taken; its submission tells what became of it."""

    Status: Literal["QUEUED"]
    QueuedUri: str = Field(examples=["/Advertisers/PPx1/APISubmissions/A-17"])


class ErrorEntry(Schema):
    field: str = Field(description="The field at fault, or empty.")
    level: Literal["ERROR"]
    message: str
    code: str = Field("", description="The reason code, where there is one.")


class Error(Schema):
    """Every error of every endpoint."""

    Status: Literal["ERROR"]
    Message: str
    errors: list[ErrorEntry]


class SubmissionShape(Schema):
    """What became of a request; `Queued` is a change that waits for its order."""

    Id: str
    Status: Literal["Queued", "In Progress", "Complete"]
    Result: str = Field(description="recorded, repeated, rejected or waiting; of a batch running or complete.")
    ErrorType: Literal["", "REJECTED", "REPEATED"]
    ErrorReason: str = Field(description="A reason code, or empty.")
    Message: str
    ActionId: str
    ReceivedDate: str
    ProcessedDate: str
    Notes: list[str] = Field(description="What was not used, or not known.")
    Recorded: int
    Repeated: int
    Rejected: int
    Waiting: int = Field(description="Lines of a batch that wait for their orders now.")


class ActionsPage(Schema):
    """Actions, the newest first."""

    Actions: list[dict[str, Any]]
    NextPageUri: str = Field(description="Empty on the last page.")


class UpdatesPage(Schema):
    """Updates, the oldest first."""

    ActionUpdates: list[dict[str, Any]]
    NextPageUri: str = Field(description="Where what comes later will be, also while there is nothing yet.")


class ActionFilter(Schema):
    """Which actions are listed."""

    OrderId: str = Field("", max_length=255)
    CampaignId: int | None = Field(None, ge=0, lt=2**63)
    ActionTrackerId: int | None = Field(None, ge=0, lt=2**63)
    MediaPartnerId: int | None = Field(None, ge=0, lt=2**63)
    State: Literal["", "PENDING", "APPROVED", "REVERSED"] = ""
    StartDate: date | None = Field(None, description="First day of the event date, in UTC.")
    EndDate: date | None = Field(None, description="Last day of the event date, in UTC.")
    BeforeId: int | None = Field(None, ge=0, lt=2**63, description="Of the page before; stands in its NextPageUri.")
    PageSize: int = Field(100, ge=1, le=1000)


class UpdateFilter(Schema):
    """Which updates are listed."""

    ActionId: str = Field("", description="Of one action only.")
    AfterId: int = Field(0, ge=0, lt=2**63, description="The id of the last update that has been read.")
    PageSize: int = Field(100, ge=1, le=1000)


def body(description: str, *forms: str) -> dict[str, Any]:
    """The request body of an endpoint, for the API's document: fields by name, in each of the forms."""
    fields = {"type": "object", "additionalProperties": True}
    return {"requestBody": {"description": description, "content": {form: {"schema": fields} for form in forms}}}
