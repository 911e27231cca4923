"""Which rows a token sees: every address of the API asks here."""

# Nothing tells one token from another yet.
# ruff: noqa: ARG001

from __future__ import annotations

from django.db.models import QuerySet

from actions.models import Action, ActionEvent, ApiToken, Submission


def sees_personal(token: ApiToken) -> bool:
    """Whether the token is shown what tells who or where a customer is."""
    return True


def programs_of(token: ApiToken | None) -> frozenset[int] | None:
    """The ids of the programs that the token is for; None means all."""
    return None


def actions_of(token: ApiToken) -> QuerySet[Action]:
    """The actions of its programs."""
    return Action.objects.all()


def events_of(token: ApiToken) -> QuerySet[ActionEvent]:
    """The events of those actions."""
    return ActionEvent.objects.all()


def submissions_of(token: ApiToken) -> QuerySet[Submission]:
    """Submissions that led to those actions, and those that led to none."""
    return Submission.objects.all()


def sees_texts_of(token: ApiToken, submission: Submission) -> bool:
    """Whether the token is shown a submission's texts, which quote what was reported."""
    return True
