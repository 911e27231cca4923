"""What stands in the form at this moment, as a postback that is not saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from django.db.models import Model

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, InAppEvent, Partner
from postbacks.form_fields import parse_pairs
from postbacks.models import Postback
from postbacks.secrets.headers import parse_lines, receiver_of, to_store
from postbacks.signing.keys import FIELDS as SIGNING_FIELDS

Errors = dict[str, list[str]]
Row = TypeVar("Row", bound=Model)


def typed_postback(fields: Mapping[str, str], saved: Postback | None = None) -> tuple[Postback, Errors]:
    """The postback of the form's fields as they are sent, and by field what cannot even be read.

    What does not apply is left out, as it is when the form is saved. `saved` is the postback that is being changed,
    whose secrets the masks in the form stand for.
    """
    errors: Errors = {}
    tracker = _row(ActionTracker, fields.get("action_tracker"))
    postback = Postback(
        partner=_row(Partner, fields.get("partner")),
        media_source=_row(MediaSource, fields.get("media_source")),
        action_tracker=tracker,
        url=fields.get("url", "").strip(),
        method=fields.get("method", "") or "GET",
        headers=_lines(fields, "headers"),
        success_response=_lines(fields, "success_response"),
        error_response=_lines(fields, "error_response"),
    )
    if tracker is not None and tracker.is_mobile_app:
        postback.install = "install" in fields
        postback.in_app_event = _row(InAppEvent, fields.get("in_app_event"))
    if postback.method == Postback.Method.POST:
        _read_body(postback, fields, errors)
    _read_secrets(postback, saved or Postback(), fields, errors)
    if saved is not None:
        for name in SIGNING_FIELDS:
            setattr(postback, name, getattr(saved, name))
    if not postback.url:
        errors["url"] = ["Enter the URL of the receiver."]
    if tracker is None:
        errors["action_tracker"] = ["Select the event type."]
    return postback, errors


def _read_body(postback: Postback, fields: Mapping[str, str], errors: Errors) -> None:
    postback.body_format = fields.get("body_format", "")
    if fields.get("body_kind") == "raw":
        postback.body_raw = _lines(fields, "body_raw")
        return
    try:
        postback.body_pairs = parse_pairs(fields.get("body_pairs", ""))
    except ValueError as error:
        errors["body_pairs"] = [str(error)]


def _read_secrets(postback: Postback, saved: Postback, fields: Mapping[str, str], errors: Errors) -> None:
    same_receiver = receiver_of(postback.url) == receiver_of(saved.url)
    try:
        typed = parse_lines(_lines(fields, "secret_headers"))
        postback.secret_headers = to_store(typed, saved.secret_headers, same_receiver=same_receiver)
    except ValueError as error:
        errors["secret_headers"] = [str(error)]


def _lines(fields: Mapping[str, str], name: str) -> str:
    return fields.get(name, "").replace("\r\n", "\n").strip()


def _row(model: type[Row], key: str | None) -> Row | None:
    if key is None or not (key.isascii() and key.isdigit() and len(key) < 19):
        return None
    return model._default_manager.filter(pk=int(key)).first()  # noqa: SLF001 -- Django's documented interface
