"""The addresses that actions, their updates and what became of requests are read from."""

# The account's SID is in each address; who may use it is settled before an endpoint is called.

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from actions.api import shapes
from actions.api.answering import account_base, listed, query_of, reader_of
from actions.api.answers import answer, error
from actions.api.authority import AccountToken, token_of
from actions.api.envelope import next_address, uri
from actions.api.filters import NONE, listing
from actions.api.lists import ACTIONS, UPDATES, find_action, find_update, wanted_actions, wanted_updates
from actions.api.page_key import PageKey
from actions.api.pages import NEWEST_FIRST, OLDEST_FIRST, Page
from actions.api.rights import Scope, submissions_of
from actions.api.service import api
from actions.api.shapes import ACCOUNT, READ
from actions.api.submission_fields import queued_submission, shown_submission, shown_submissions
from actions.models import Submission
from partners.ids import row_of

SUBMISSIONS = listing()
ITEMS = listing()


@api.get(
    f"{ACCOUNT}/Actions",
    response={200: shapes.ActionsPage, **READ},
    by_alias=True,
    summary="List actions",
    description=(
        "The newest first; those chosen by a date in the order of that date. Times are exclusive at the end, so that "
        "windows may share their edges."
    ),
    openapi_extra={"parameters": ACTIONS.parameters()},
)
def list_actions(request: HttpRequest, account_sid: str) -> HttpResponse:
    wanted = ACTIONS.read(query_of(request))
    rows, order = wanted_actions(token_of(request), wanted)
    return listed(request, "Actions", rows, order, wanted=wanted, show=reader_of(request, account_sid).actions)


@api.get(
    f"{ACCOUNT}/Actions/{{action_id}}",
    response={200: shapes.ActionShape, **READ},
    summary="Read an action",
    openapi_extra={"parameters": NONE.parameters()},
)
def read_action(request: HttpRequest, account_sid: str, action_id: str) -> HttpResponse:
    NONE.read(query_of(request))
    action = find_action(token_of(request), action_id)
    if action is None:
        return _no_action(request, action_id)
    return answer(request, next(reader_of(request, account_sid).actions([action.pk])), element="Action")


@api.get(
    f"{ACCOUNT}/Actions/{{action_id}}/Items",
    response={200: shapes.ItemsPage, **READ},
    by_alias=True,
    summary="Read the items of an action",
    openapi_extra={"parameters": ITEMS.parameters()},
)
def list_items(request: HttpRequest, account_sid: str, action_id: str) -> HttpResponse:
    wanted = ITEMS.read(query_of(request))
    action = find_action(token_of(request), action_id)
    if action is None:
        return _no_action(request, action_id)
    show = reader_of(request, account_sid).items
    return listed(request, "ActionItems", action.items.all(), OLDEST_FIRST, wanted=wanted, show=show)


@api.get(
    f"{ACCOUNT}/ActionUpdates",
    response={200: shapes.UpdatesPage, **READ},
    by_alias=True,
    summary="Read what has changed",
    description="The oldest first. An update appears ten seconds after it was recorded.",
    openapi_extra={"parameters": UPDATES.parameters()},
)
def list_updates(request: HttpRequest, account_sid: str) -> HttpResponse:
    wanted, token = UPDATES.read(query_of(request)), token_of(request)
    action_id = wanted.get("ActionId")
    action = None if action_id is None else find_action(token, action_id)
    if action_id is not None and action is None:
        return _no_action(request, action_id)
    rows, order = wanted_updates(token, wanted, action)

    def following(page: Page) -> str:
        """The next page; on the last where what comes later will be, also while there is nothing yet."""
        if page.following:
            return next_address(request, page)
        if order.moment:
            return uri(request, PageKey=page.last or wanted.get("PageKey") or "")
        return uri(request, AfterId=page.last.pk if page.last else _read_up_to(wanted))

    show = reader_of(request, account_sid).updates
    return listed(request, "ActionUpdates", rows, order, wanted=wanted, show=show, following=following)


@api.get(
    f"{ACCOUNT}/ActionUpdates/{{update_id}}",
    response={200: shapes.UpdateShape, **READ},
    summary="Read an update",
    openapi_extra={"parameters": NONE.parameters()},
)
def read_update(request: HttpRequest, account_sid: str, update_id: str) -> HttpResponse:
    NONE.read(query_of(request))
    found = find_update(token_of(request), update_id)
    if found is None:
        return error(request, 404, f"There is no update {update_id!r}.", "ActionUpdateId")
    return answer(request, next(reader_of(request, account_sid).updates([found.pk])), element="ActionUpdate")


@api.get(
    f"{ACCOUNT}/APISubmissions",
    response={200: shapes.SubmissionsPage, **READ},
    by_alias=True,
    summary="List what became of requests",
    description="The newest first.",
    openapi_extra={"parameters": SUBMISSIONS.parameters()},
)
def list_submissions(request: HttpRequest, account_sid: str) -> HttpResponse:
    token = token_of(request)
    rows = submissions_of(token)

    def shown(ids: Sequence[int]) -> Iterator[dict[str, Any]]:
        found = _with_actions(rows).in_bulk(ids)
        return shown_submissions([found[pk] for pk in ids if pk in found], token, account_base(account_sid))

    wanted = SUBMISSIONS.read(query_of(request))
    return listed(request, "APISubmission", rows, NEWEST_FIRST, wanted=wanted, show=shown)


@api.get(
    f"{ACCOUNT}/APISubmissions/{{submission_id}}",
    response={200: shapes.SubmissionShape, **READ},
    auth=AccountToken(Scope.READ, Scope.REPORT),
    summary="Read what became of a request",
    openapi_extra={"parameters": NONE.parameters()},
)
def read_submission(request: HttpRequest, account_sid: str, submission_id: str) -> HttpResponse:
    NONE.read(query_of(request))
    token = token_of(request)
    found = row_of(_with_actions(submissions_of(token)), submission_id.removeprefix("A-"))
    if found is None:
        found = queued_submission(token, submission_id.removeprefix("A-"))
    if found is None:
        return error(request, 404, f"There is no submission {submission_id!r}.")
    return answer(request, shown_submission(found, token, account_base(account_sid)), element="APISubmission")


def _no_action(request: HttpRequest, action_id: str) -> HttpResponse:
    return error(request, 404, f"There is no action {action_id!r}.", "ActionId", "ACTION_NOT_FOUND")


def _read_up_to(wanted: Mapping[str, Any]) -> int:
    """The update after which a page without any was to begin."""
    key: PageKey | None = wanted.get("PageKey")
    return key.pk if key else int(wanted.get("AfterId", 0))


def _with_actions(submissions: QuerySet[Submission]) -> QuerySet[Submission]:
    return submissions.select_related("action__action_tracker")
