"""What a token may do, and which rows it sees: every address of the API asks here."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from actions.intake.reading import programs_of
from actions.models import Action, ActionEvent, ApiToken, Submission

Scope = ApiToken.Scope


class ScopeMissingError(Exception):
    """The token may not do this; the text says which scope it needs."""

    def __init__(self, *needed: str) -> None:
        names = " or ".join(f"“{each}”" for each in needed)
        super().__init__(
            f"This token lacks the scope {names}. An administrator gives it one under Settings → API tokens."
        )


def require(token: ApiToken, *scopes: str) -> None:
    """Raises ScopeMissingError unless the token has one of these scopes."""
    if not any(scope in token.scopes for scope in scopes):
        raise ScopeMissingError(*scopes)


def sees_personal(token: ApiToken) -> bool:
    """Whether the token is shown what tells who or where a customer is."""
    return Scope.PERSONAL in token.scopes


def actions_of(token: ApiToken) -> QuerySet[Action]:
    """The actions of its programs."""
    programs = programs_of(token)
    return Action.objects.all() if programs is None else Action.objects.filter(program__in=programs)


def events_of(token: ApiToken) -> QuerySet[ActionEvent]:
    """The events of those actions."""
    programs = programs_of(token)
    return ActionEvent.objects.all() if programs is None else ActionEvent.objects.filter(action__program__in=programs)


def submissions_of(token: ApiToken) -> QuerySet[Submission]:
    """Submissions that led to an action of its programs, and its own that led to none.

    A token that may only report sees only its own.
    """
    found = Submission.objects.all()
    programs = programs_of(token)
    if programs is not None:
        found = found.filter(Q(action__program__in=programs) | Q(action__isnull=True, token=token))
    return found if Scope.READ in token.scopes else found.filter(token=token)


def sees_texts_of(token: ApiToken, submission: Submission) -> bool:
    """Whether the token is shown a submission's texts, which quote what was reported: it sent it, or sees all."""
    return sees_personal(token) or submission.token_id == token.pk
