"""What a postback would be with the changes of a proposal: checked by the rules of the form, shown, and tried once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from partners.models import ActionTracker
from portal.proposals.fields import BY_KEY
from postbacks.config_file.one_postback import Saved, save_postback
from postbacks.config_file.problems import did_you_mean
from postbacks.credentials.secrets.headers import receiver_of
from postbacks.models import Postback
from postbacks.test_send import TestSend, try_out
from postbacks.validation import asking_warnings

Problems = dict[str, list[str]]
"""Messages by the key that they are about; empty for what is about the whole."""

_NOT_THEIRS: Final = (
    "The postback itself has an error that only its operator can correct. Ask them, and propose the change again."
)
_AGAIN: Final = (
    "The URL names another receiver, and the HTTP Header was given for the one before. Give it again, or an empty one."
)


class WrongProposalError(ValueError):
    """What is proposed cannot be saved; `problems` says why, by key."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        super().__init__(" ".join(message for messages in problems.values() for message in messages))


def read_changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Checks that the changes are of what may be proposed, and of a shape that can be kept.

    Raises WrongProposalError.
    """
    problems: Problems = {}
    for key, value in given.items():
        field = BY_KEY.get(key)
        if field is None:
            name = key[:100]
            problems[name] = [f"This cannot be proposed. {did_you_mean(name, list(BY_KEY))}"]
        elif field.required and (value is None or value == ""):
            problems[key] = [f"The {field.label} is missing."]
        elif value is None:
            continue
        elif field.named and not _is_mapping_of_texts(value):
            problems[key] = ["This must be a mapping of names to texts."]
        elif not field.named and not isinstance(value, str):
            problems[key] = ["This must be a text."]
    if problems:
        raise WrongProposalError(problems)
    return dict(given)


def stored_for_now(postback: Postback, changes: Mapping[str, Any]) -> Postback:
    """The postback as it would be saved; it is not. Raises WrongProposalError."""
    with transaction.atomic():
        saved = save(postback, changes, dry_run=True)
    if saved.postback is None:
        raise WrongProposalError(problems_of(saved))
    return saved.postback


def save(postback: Postback, changes: Mapping[str, Any], *, dry_run: bool = False) -> Saved:
    """Saves the changes by the rules and messages of the form. Raises WrongProposalError where headers that were given
    for one receiver would go to another."""
    _refuse_headers_of_another(postback, changes)
    before = Postback.objects.select_related("partner", "media_source", "action_tracker", "in_app_event")
    fresh = before.get(pk=postback.pk)  # Saving writes in it, also on trial.
    trackers = ActionTracker.objects.filter(pk=fresh.action_tracker_id)
    return save_postback(changes, fresh.owner, trackers, before=fresh, dry_run=dry_run)


def problems_of(saved: Saved) -> Problems:
    """What is wrong, by key. What a partner has not proposed, and cannot correct, it is not told of either."""
    found: Problems = {}
    for problem in saved.problems:
        key = problem.place.path.partition(".")[0].partition("[")[0]
        if key in BY_KEY:
            found.setdefault(key, []).append(problem.message)
    return found or {"": [_NOT_THEIRS]}


def tried(postback: Postback, changes: Mapping[str, Any], action_id: str = "") -> tuple[TestSend, Postback]:
    """The request that would go out, from sample values or the latest event of an action; nothing is sent.

    Raises WrongProposalError.
    """
    proposed = stored_for_now(postback, changes)
    test_send = try_out(proposed, {}, action_id)
    if test_send.request is not None:  # Then its secrets can be read.
        labelled = asking_warnings(proposed).items()
        test_send.warnings += [f"{BY_KEY[key].label}: {text}" for key, texts in labelled for text in texts]
    return test_send, proposed


def _refuse_headers_of_another(postback: Postback, changes: Mapping[str, Any]) -> None:
    """Secret headers are refused where they are encrypted; plain ones may hold a password too."""
    url = changes.get("url")
    moves = isinstance(url, str) and receiver_of(url) != receiver_of(postback.url)
    if moves and "headers" not in changes and postback.headers.strip():
        raise WrongProposalError({"headers": [_AGAIN]})


def _is_mapping_of_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for pair in value.items() for text in pair)
