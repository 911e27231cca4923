"""The request that a postback builds from an event, and the result of sending it once."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from actions.reports.parameters import sample_values
from postbacks.conditions.judging import in_words
from postbacks.credentials.asking.stored import asking_of_postback
from postbacks.credentials.secrets.cipher import SecretUnreadableError
from postbacks.credentials.secrets.mask import scrubber, shown
from postbacks.egress import token_server
from postbacks.egress.failures import Failure
from postbacks.egress.transport import send
from postbacks.egress.without_secrets import without_secrets
from postbacks.matching import conditions_of
from postbacks.models import Postback
from postbacks.preview import EventFileError, PreviewEvent, recorded_event, would_not_fire
from postbacks.request.building import UNFETCHED, Request, RequestErrors, Unbuildable, compile_request
from postbacks.request.check import ill_formed
from postbacks.validation import request_template
from postbacks.verdicts.rules import compile_rules
from postbacks.verdicts.words import words
from value_types.secret_text import SecretText

Errors = dict[str, list[str]]
ACTION = "test_send_action"  # The field that names the recorded action.


@dataclass(slots=True)
class TestSend:
    """`request` is set unless `errors`, by form field, say why not; `event` says where the values come from.

    `not_fired` says why the conditions keep an event of these values from firing, and `words` what the rules and
    conditions mean, by field.
    """

    event: str
    request: Request | None = None
    errors: Errors = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    not_fired: str | None = None
    words: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "event": self.event,
            "request": _request_json(self.request) if self.request else None,
            "not_fired": self.not_fired,
            "words": self.words,
            "errors": self.errors,
            "warnings": self.warnings,
        }


def try_out(postback: Postback, errors: Errors, action_id: str) -> TestSend:
    """Builds the request of a postback, saved or not, from sample values or the latest event of the action.

    `errors` is what `typed_postback` has found. Nothing is sent.
    """
    test_send = TestSend(f"Action {action_id}" if action_id else "Sample values", errors=errors)
    said = words(postback.success_response, postback.error_response) | conditions_in_words(postback)
    test_send.words = {name: text for name, text in said.items() if name not in errors}
    try:
        event = _event_for(postback, action_id) if action_id else PreviewEvent(sample_values())
    except EventFileError as error:
        test_send.errors[ACTION] = [f"{str(error).capitalize().removesuffix('.')}."]
        return test_send
    if "conditions" not in errors:
        test_send.not_fired = would_not_fire(postback, event.values)
    hidden = frozenset(postback.action_tracker.hidden_parameters) if postback.action_tracker_id else frozenset()
    try:
        compiled = compile_request(request_template(postback), hidden)
        if postback.authentication == Postback.Authentication.OAUTH2:
            compiled = compiled.authorized(UNFETCHED)
        test_send.request = compiled.build(event.values, f"test_{token_hex(8)}")  # It belongs to no delivery.
    except (RequestErrors, SecretUnreadableError):
        return test_send  # Already in the errors, by field.
    except Unbuildable as error:
        test_send.errors.setdefault("url", []).append(str(error))
        return test_send
    test_send.warnings = [*event.warnings, *(each.labelled for each in compiled.warnings)]
    complaint = ill_formed(postback.body_format, test_send.request.body or b"") if postback.body_format else ""
    if complaint:
        test_send.warnings.append(f"The body is not valid {complaint}")
    return test_send


def conditions_in_words(postback: Postback) -> dict[str, str]:
    """What the conditions say, under the field's name; nothing without conditions."""
    said = in_words(conditions_of(postback))
    return {"conditions": f"Fires if {said}."} if said else {}


def send_once(request: Request, postback: Postback) -> dict[str, Any]:
    """Sends a request through the guard, without retry or record; returns the result, ready for JSON.

    `success` and `verdict` are those of the postback's rules. Secrets that the receiver echoes are masked first. With
    OAuth 2.0, a token is fetched for it alone, and `token` says what the token server answered.
    """
    client = asking_of_postback(postback).oauth
    if client is None:
        return _sent(request, postback)
    began = time.monotonic()
    token = token_server.fetch(client)
    if isinstance(token, Failure):
        return {"success": False, "verdict": token.text, "milliseconds": _since(began), "token": token.text}
    words = (*(request.scrubber.words if request.scrubber else ()), token.value, client.client_secret)
    headers = {**request.headers, "Authorization": SecretText(f"Bearer {token.value}")}
    said = f"The token server answered in {_since(began):,} ms with a Bearer token for {token.seconds:,.0f} seconds."
    return {**_sent(request._replace(headers=headers, scrubber=scrubber(words)), postback), "token": said}


def _sent(request: Request, postback: Postback) -> dict[str, Any]:
    began = time.monotonic()
    answer = send(request)
    took = _since(began)
    if request.scrubber is not None:
        answer = without_secrets(answer, request.scrubber)
    if isinstance(answer, Failure):
        return {"success": False, "verdict": answer.text, "milliseconds": took}
    rules = compile_rules(postback.success_response, postback.error_response)
    verdict = rules.judge(answer.status_code, answer.text, answer.unreadable)
    return {
        "success": verdict.success,
        "verdict": verdict.reason,
        "milliseconds": took,
        "status": answer.status_code,
        "headers": answer.header_text,
        "body": answer.text,
    }


def _event_for(postback: Postback, action_id: str) -> PreviewEvent:
    """The values of an action's latest event. Raises EventFileError if the owner must not see them."""
    event = recorded_event(action_id, None)
    if postback.partner is not None and event.values.get("MediaPartnerId") != str(postback.partner.pk):
        raise EventFileError(f"action {action_id} is credited to another partner, so its values cannot be used here")
    if postback.action_tracker_id and event.values.get("ActionTrackerId") != str(postback.action_tracker_id):
        raise EventFileError(f"action {action_id} has another event type")
    return event


def _request_json(request: Request) -> dict[str, Any]:
    body = None if request.body is None else request.body.decode("utf-8", "replace")
    return {
        "method": request.method,
        "url": request.url,
        "headers": {name: shown(value) for name, value in request.headers.items()},
        "body": body,
    }


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
