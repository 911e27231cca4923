"""The shapes of requests and answers, as the API's document tells them."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Field, Schema

from actions.api.documented import ACTION, ENVELOPE, ITEM, SUBMISSION, UPDATE, Fields, many, schema

ACCOUNT = "/Advertisers/{account_sid}"


class Queued(Schema):
    """The request is taken; its submission tells what became of it."""

    Status: Literal["QUEUED"]
    QueuedUri: str = Field(examples=["/Advertisers/PPx1/APISubmissions/A-17"])


class ErrorEntry(Schema):
    field: str = Field(description="The field at fault, or empty.", examples=["PageSize"])
    level: Literal["ERROR"]
    message: str = Field(examples=["PageSize: '0' is not a whole number from 1 to 20,000."])
    code: str = Field("", description="The reason code, where there is one.", examples=["MALFORMED"])


class DocumentedErrorEntry(Schema):
    Field: str = Field(description="The field at fault, or empty.")
    Message: str


class Error(Schema):
    """Every error of every endpoint, with its entries under both names that callers look for."""

    Status: Literal["ERROR"]
    Message: str = Field(examples=["PageSize: '0' is not a whole number from 1 to 20,000."])
    Errors: list[DocumentedErrorEntry]
    errors: list[ErrorEntry]


REFUSALS = {401: Error, 403: Error, 405: Error, 429: Error, 500: Error, 503: Error}
READ: dict[Any, Any] = {400: Error, 404: Error, **REFUSALS}


class NamedItem(Schema):
    """An item as postbacks carry it."""

    sku: str = Field("", examples=["GH23"])
    cat: str = Field("", description="Its category.", examples=["Watches"])
    qty: str = Field("", examples=["3"])
    amt: str = Field("", description="Its subtotal after discounts, in the program's currency.", examples=["2.92"])
    cartamt: str = Field("", description="The same in the cart's currency.", examples=["50.01"])
    rbt: str = Field("", description="Its own discount, in the cart's currency.", examples=["1.00"])
    name: str = Field("", examples=["Diver watch"])


def _listed(name: str, about: str, fields: Fields, **more: Any) -> type[Schema]:
    return schema(name, about, {**ENVELOPE, **fields}, **more)


_ITEMS: Any = (list[NamedItem], Field(...))
_NEXT: Fields = {"NextPageUri": ("As @nextpageuri", "")}
_LATER: Fields = {"NextPageUri": ("Where what comes later will be, also while there is nothing yet", "")}
ActionShape = schema("Action", "An action as it is now.", ACTION, Items=_ITEMS)
UpdateShape = schema("ActionUpdate", "One update, with the values of then.", UPDATE, Items=_ITEMS)
ItemShape = schema("ActionItem", "An item as it is now.", ITEM)
SubmissionShape = schema(
    "APISubmission",
    "What became of a request.",
    SUBMISSION,
    Notes=(list[str], Field(..., description="What was not used, or not known.")),
    Recorded=(int, Field(..., description="Of a batch: lines that were recorded.", examples=[0])),
    Repeated=(int, Field(..., description="Of a batch: lines that were known before.", examples=[0])),
    Rejected=(int, Field(..., description="Of a batch: lines that were refused.", examples=[0])),
    Waiting=(int, Field(..., description="Of a batch: lines that wait for their orders now.", examples=[0])),
)
ActionsPage = _listed("Actions", "A page of actions.", _NEXT, Actions=many(ActionShape))
UpdatesPage = _listed("ActionUpdates", "A page of updates.", _LATER, ActionUpdates=many(UpdateShape))
ItemsPage = _listed("ActionItems", "The items of an action.", _NEXT, ActionItems=many(ItemShape))
SubmissionsPage = _listed("APISubmissions", "Submissions.", _NEXT, APISubmission=many(SubmissionShape))
