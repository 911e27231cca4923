"""The addresses of postbacks: list, read, create, change, pause, resume, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from actions.api.answers import answer
from actions.api.authority import AccountToken, token_of
from actions.api.rights import Scope
from actions.api.shapes import Error
from actions.models import ApiToken
from partners.ids import read_id
from postbacks.api import shapes
from postbacks.api.answering import CHANGE, IF_MATCH, OF_ONE, REFUSALS, check_version, page, with_version
from postbacks.api.refusals import ProblemsError, RefusedError
from postbacks.api.requests import read_object, refuse_unknown, refuse_unknown_filters
from postbacks.api.shapes import PostbackFilter, PostbackShape, json_body
from postbacks.api.shown import shown_postback
from postbacks.api.visible import named, owner_of, postbacks_of, the, trackers_of
from postbacks.config_file.keys import POSTBACK
from postbacks.config_file.one_postback import Owner, Saved, save_postback
from postbacks.config_file.problems import Place, Problem
from postbacks.lifecycle import delete_postback, pause, resume
from postbacks.models import Postback

router = Router(tags=["Postbacks"], auth=AccountToken(Scope.MANAGE))
READ = AccountToken(Scope.READ)
KEYS = tuple(key.name for key in POSTBACK.keys)
OWNERS = ("partner", "media_source")
_STATES: dict[str | None, dict[str, Any]] = {
    None: {},
    "paused": {"paused_at__isnull": False},
    "held": {"paused_at__isnull": True, "lane__held_since__isnull": False},
    "active": {"paused_at__isnull": True, "lane__held_since__isnull": True},
}


@router.get("", auth=READ, response={200: shapes.PostbacksPage, **REFUSALS}, summary="List postbacks")
def list_postbacks(request: HttpRequest, wanted: Query[PostbackFilter]) -> HttpResponse:
    """Those that are not deleted, by rising id."""
    refuse_unknown_filters(request, PostbackFilter)
    found = named(
        postbacks_of(token_of(request)),
        partner=wanted.partner,
        media_source=wanted.media_source,
        action_tracker=wanted.action_tracker,
        action_tracker__program=wanted.program,
        name=wanted.name,
        id__gt=wanted.after,
        **_STATES[wanted.state],
    )
    rows = list(found.order_by("id")[: wanted.limit + 1])
    return page(request, "postbacks", rows, limit=wanted.limit, place="after", show=shown_postback)


@router.post(
    "",
    response={200: PostbackShape, 201: PostbackShape, 409: Error, **CHANGE},
    summary="Create a postback",
    openapi_extra=json_body(shapes.NEW_POSTBACK),
)
def create_postback(request: HttpRequest) -> HttpResponse:
    """With the keys of a configuration file, and its owner: `partner` or `media_source`.

    A name is unique within the owner: sent again, the same postback is answered 200, another one of the name 409.
    """
    token, given = token_of(request), read_object(request)
    refuse_unknown(given, (*OWNERS, *KEYS))
    owner = owner_in(token, given)
    values = {name: value for name, value in given.items() if name in KEYS}
    before = _of_name(token, owner, values.get("name"))
    if before is not None:
        return _repeated(request, before, values, owner)
    saved = save_postback(values, owner, trackers_of(token))
    if saved.postback is None:  # Perhaps it was sent twice at this moment.
        before = _of_name(token, owner, values.get("name"))
        if before is not None:
            return _repeated(request, before, values, owner)
    return _saved(request, saved, 201)


@router.get("/{postback_id}", auth=READ, response={200: PostbackShape, **OF_ONE}, summary="Read a postback")
def read_postback(request: HttpRequest, postback_id: str) -> HttpResponse:
    postback = find_postback(token_of(request), postback_id)
    return with_version(answer(request, shown_postback(postback)), postback)


@router.patch(
    "/{postback_id}",
    response={200: PostbackShape, 412: Error, 428: Error, **CHANGE},
    summary="Change a postback",
    openapi_extra=json_body(shapes.CHANGES, parameters=[IF_MATCH]),
)
def change_postback(request: HttpRequest, postback_id: str) -> HttpResponse:
    """What is not given stays; null stands for the default. `If-Match` is needed.

    The mask stands for a stored secret header, which stays only while the URL names the same receiver.
    """
    token, given = token_of(request), read_object(request)
    with transaction.atomic():
        before = find_postback(token, postback_id, lock=True)
        check_version(request, before, required=True)
        values = changes_in(given, before)
        saved = save_postback(values, before.owner, trackers_of(token), before=before)
    return _saved(request, saved, 200)


@router.delete(
    "/{postback_id}",
    response={200: shapes.Deleted, 412: Error, **OF_ONE},
    summary="Delete a postback",
    openapi_extra={"parameters": [IF_MATCH]},
)
def remove_postback(request: HttpRequest, postback_id: str) -> HttpResponse:
    """It no longer fires, and what waits is cancelled. Its deliveries stay in the log."""
    with transaction.atomic():
        postback = find_postback(token_of(request), postback_id, lock=True)
        check_version(request, postback, required=False)
        cancelled = delete_postback(postback)
    return answer(request, {"cancelled": cancelled})


@router.post("/{postback_id}/pause", response={200: PostbackShape, **OF_ONE}, summary="Pause a postback")
def pause_postback(request: HttpRequest, postback_id: str) -> HttpResponse:
    """Deliveries are collected until it is resumed. Pausing a paused one changes nothing."""
    return _switch(request, postback_id, pause)


@router.post("/{postback_id}/resume", response={200: PostbackShape, **OF_ONE}, summary="Resume a postback")
def resume_postback(request: HttpRequest, postback_id: str) -> HttpResponse:
    """What was collected goes out at the allowed rate."""
    return _switch(request, postback_id, resume)


def find_postback(token: ApiToken, postback_id: str, *, lock: bool = False) -> Postback:
    """The postback of this id, if the token sees it; with `lock`, nobody changes it until the transaction ends."""
    rows = postbacks_of(token)
    found: Postback = the(rows.select_for_update(of=("self",)) if lock else rows, "postback", postback_id)
    return found


def owner_in(token: ApiToken, given: dict[str, Any]) -> Owner:
    """The owner that a new postback names. Raises RefusedError."""
    kinds = [kind for kind in OWNERS if given.get(kind) is not None]
    if len(kinds) != 1:
        raise RefusedError(400, "Give the owner: either partner or media_source, with its id.", OWNERS[0])
    key = given[kinds[0]]
    number = read_id(str(key)) if isinstance(key, int | str) and not isinstance(key, bool) else None
    owner = None if number is None else owner_of(token, kinds[0], number)
    if owner is None:
        what = kinds[0].replace("_", " ")
        raise ProblemsError([Problem(Place(kinds[0], 1), f"There is no {what} {str(key)[:50]}.")])
    return owner


def changes_in(given: dict[str, Any], before: Postback) -> dict[str, Any]:
    """What is to change. What only reading tells may come along as it was read. Raises RefusedError."""
    shown = orjson.loads(orjson.dumps(shown_postback(before)))
    refuse_unknown(given, (*KEYS, *shown))
    for name in given.keys() - set(KEYS) - {"warnings"}:
        if given[name] != shown[name]:
            raise RefusedError(400, f"{name}: It cannot be changed here. Leave it out.", name)
    return {name: value for name, value in given.items() if name in KEYS}


def _of_name(token: ApiToken, owner: Owner, name: Any) -> Postback | None:
    if not isinstance(name, str) or "\0" in name:
        return None
    kind = OWNERS[0] if owner._meta.model_name == OWNERS[0] else OWNERS[1]  # noqa: SLF001 -- Django's documented interface
    found: Postback | None = postbacks_of(token).filter(**{kind: owner, "name": name}).first()
    return found


def _repeated(request: HttpRequest, before: Postback, values: dict[str, Any], owner: Owner) -> HttpResponse:
    token, key = token_of(request), str(before.pk)
    wanted = {**dict.fromkeys(KEYS), **values}
    saved = save_postback(wanted, owner, trackers_of(token), before=before, dry_run=True)
    if saved.problems:
        raise ProblemsError(saved.problems)
    if saved.outcome.changes:
        text = f"{owner} has another postback of this name, {key}. Change that one, or choose another name."
        raise RefusedError(409, text, "name")
    postback = find_postback(token, key)
    return with_version(answer(request, shown_postback(postback)), postback)


def _saved(request: HttpRequest, saved: Saved, status: int) -> HttpResponse:
    if saved.postback is None:
        raise ProblemsError(saved.problems)
    postback = find_postback(token_of(request), str(saved.postback.pk))
    told = [each.message for each in saved.outcome.warnings] + saved.outcome.notes
    return with_version(answer(request, shown_postback(postback, told), status), postback)


def _switch(request: HttpRequest, postback_id: str, change: Callable[[Postback], None]) -> HttpResponse:
    token = token_of(request)
    change(find_postback(token, postback_id))
    postback = find_postback(token, postback_id)
    return with_version(answer(request, shown_postback(postback)), postback)
