"""Whether a postback can be sent, checked when it is saved, so that forms and files follow the same rules.

What a model field or the database already checks (blank, choices, ranges, one owner, names) is not repeated here.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from actions.reports.parameters import sample_values
from partners.models import ContractTerm, Partner
from postbacks.conditions.judging import condition_errors
from postbacks.credentials.asking.certificates import ends_soon, in_words
from postbacks.credentials.asking.fields import FIELDS
from postbacks.credentials.asking.problems import problems_of, warnings_of
from postbacks.credentials.asking.stored import asking_of, asking_of_postback
from postbacks.credentials.secrets.cipher import SecretUnreadableError
from postbacks.credentials.secrets.headers import decrypted
from postbacks.credentials.signing.keys import keys_of
from postbacks.egress.destination import destination_refusal
from postbacks.models import Postback
from postbacks.models.postback import postback_cleaned
from postbacks.request.building import (
    RequestErrors,
    RequestTemplate,
    TooMuchWork,
    Unbuildable,
    compile_request,
    sample_warnings,
)
from postbacks.verdicts.rules import rule_errors

Errors = dict[str, list[str]]


def connect() -> None:
    """Makes `Postback.clean` run these checks; the app calls it once, when it is ready."""
    postback_cleaned.connect(_refuse, dispatch_uid="postbacks.validation")


def postback_errors(postback: Postback) -> Errors:
    """Messages by model field name; empty if the postback can be saved.

    Owner and event type may still be missing; then what depends on them is not checked.
    """
    errors: Errors = defaultdict(list)
    _check_request(postback, errors)
    _check_destination(postback, errors)
    _check_asking(postback, errors)
    _check_conditions(postback, errors)
    for field in ("success_response", "error_response"):
        errors_in_rules = rule_errors(field, getattr(postback, field))
        if errors_in_rules:
            errors[field] = [f"Line {error.line}: {error.problem}" for error in errors_in_rules]
    if postback.action_tracker_id is not None:
        _check_app_events(postback, errors)
        _check_contract(postback, errors)
    return dict(errors)


def postback_warnings(postback: Postback) -> list[str]:
    """What is legal but looks wrong in the request of a postback that can be saved, the field in front of each."""
    hidden = frozenset(postback.action_tracker.hidden_parameters)
    found = [each.labelled for each in sample_warnings(request_template(postback), hidden)]
    return [*found, *(f"{name}: {text}" for name, texts in asking_warnings(postback).items() for text in texts)]


def asking_warnings(postback: Postback) -> Errors:
    """The same about how the receiver is asked, by field."""
    found = warnings_of(asking_of_postback(postback), postback.url)
    certificate = postback.client_certificate
    if certificate and ends_soon(certificate, timezone.now()):
        found["client_certificate"] = f"It ends soon: {in_words(certificate, timezone.now())}."
    return {name: [text] for name, text in found.items()}


def request_template(postback: Postback) -> RequestTemplate:
    """The postback's fields as the request builder takes them. The pairs must be pairs (`are_pairs`).

    Raises SecretUnreadableError.
    """
    return RequestTemplate(
        method=postback.method,
        url=postback.url,
        headers=postback.headers,
        body_format=postback.body_format,
        pairs=tuple((key, template) for key, template in postback.body_pairs),
        body_raw=postback.body_raw,
        secret_headers=decrypted(postback.secret_headers),
        signing_keys=keys_of(postback),
        asking=asking_of_postback(postback),
        send_trace=postback.send_trace,
    )


def body_field(postback: Postback) -> str:
    """The model field that its body comes from."""
    return "body_raw" if postback.body_raw.strip() and not postback.body_pairs else "body_pairs"


def are_pairs(value: Any) -> bool:
    """Whether a JSON value is a list of [key, template] pairs."""
    return isinstance(value, list) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        for pair in value
    )


def _refuse(postback: Postback, **_: Any) -> None:
    errors = postback_errors(postback)
    if errors:
        raise ValidationError(dict[str, Any](errors))


def _check_request(postback: Postback, errors: Errors) -> None:
    if not are_pairs(postback.body_pairs):
        errors["body_pairs"].append("The pairs must be a list of [key, template] pairs of strings.")
        return
    try:
        compile_request(request_template(postback)).build(sample_values())
    except TooMuchWork as error:
        field = body_field(postback) if postback.body_format else "url"
        errors[field].append(f"{error} Take joins or functions out.")
    except Unbuildable:
        pass  # Of these values; a warning says so.
    except RequestErrors as found:
        for field, messages in found.fields.items():
            name = body_field(postback) if field == "body" else field
            if not _checks_itself(postback, name):
                errors[name] += messages
    except SecretUnreadableError as error:
        errors["secret_headers"].append(str(error))


def _checks_itself(postback: Postback, field: str) -> bool:
    """Whether the model field already reports it: a blank URL, or a value that is not among the choices."""
    match field:
        case "url":
            return not postback.url
        case "method":
            return True
        case "body_format":
            return postback.body_format not in ("", *Postback.BodyFormat.values)
    return False


def _check_destination(postback: Postback, errors: Errors) -> None:
    """Refuses a host or port that can never be called. Host names are resolved and guarded only when called."""
    refused = destination_refusal(postback.url)
    if refused is not None:
        errors["url"].append(f"This URL cannot be called: {refused.text}.")


def _check_asking(postback: Postback, errors: Errors) -> None:
    stored = {name: getattr(postback, name) for name in FIELDS}
    try:
        asking = asking_of(stored)
    except SecretUnreadableError:
        return  # Said of the request.
    for field, problem in problems_of(stored, asking, postback.url).items():
        errors[field].append(problem)
    if asking.oauth is not None and (refused := destination_refusal(asking.oauth.token_url)) is not None:
        errors["oauth_token_url"].append(f"This URL cannot be called: {refused.text}.")


def _check_conditions(postback: Postback, errors: Errors) -> None:
    hidden = postback.action_tracker.hidden_parameters if postback.action_tracker_id else ()
    found = condition_errors(postback.conditions, hidden)
    if found:
        errors["conditions"] += found


def _check_app_events(postback: Postback, errors: Errors) -> None:
    tracker, event = postback.action_tracker, postback.in_app_event
    if tracker.is_mobile_app:
        if not postback.install and event is None:
            errors["install"].append(
                "A mobile app's postback fires on installs, on an in-app event, or on both. Choose at least one."
            )
        if event is not None and event.action_tracker_id != tracker.pk:
            errors["in_app_event"].append(f"{event.code} is not an in-app event of {tracker}. Choose one that is.")
        return
    if postback.install:
        errors["install"].append(f"Only a mobile app has installs, and {tracker} is not one.")
    if event is not None:
        errors["in_app_event"].append(f"Only a mobile app has in-app events, and {tracker} is not one.")


def _check_contract(postback: Postback, errors: Errors) -> None:
    if postback.partner is None:
        return
    terms = ContractTerm.objects.filter(contract__partner=postback.partner)
    if not terms.filter(action_tracker=postback.action_tracker_id).exists():
        errors["action_tracker"].append(_no_term(postback, postback.partner))


def _no_term(postback: Postback, partner: Partner) -> str:
    program = postback.action_tracker.program_id  # An API token may know of no other.
    terms = ContractTerm.objects.filter(contract__partner=partner, action_tracker__program=program)
    terms = terms.select_related("action_tracker")
    held = sorted({str(term.action_tracker) for term in terms})
    wrong = f"No contract of {partner} holds the event type {postback.action_tracker}."
    if not held:
        return f"{wrong} No event type of the program is in its contracts yet."
    return f"{wrong} Its contracts hold {', '.join(held)}."
