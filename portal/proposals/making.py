"""A partner proposes, and withdraws what it has proposed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.models import PartnerLink, Proposal
from portal.models.proposals import MOST_OF_A_NOTE
from portal.proposals.ending import end
from portal.proposals.fields import BY_KEY, Field, given_for_another, seal, stored_secrets
from portal.proposals.standing import standing_of
from portal.proposals.telling import tell_operators
from portal.proposals.trying import WrongProposalError, read_changes, stored_for_now
from portal.scope import Scope
from postbacks.models import Postback

MOST_A_DAY: Final = 20  # Of one postback: each is told to operators.
_SAME: Final = "This changes nothing: the postback is so already."


def propose(
    link: PartnerLink, postback: Postback, given: Mapping[str, Any], *, note: str = "", by_api: bool = False
) -> Proposal:
    """Keeps what the link proposes for a postback that it sees, and tells operators. What waited is superseded.

    Raises WrongProposalError, by key, where it could not be saved as it is.
    """
    changes = read_changes(given)
    if "\0" in note or len(note) > MOST_OF_A_NOTE:
        raise WrongProposalError({"note": [f"Write at most {MOST_OF_A_NOTE:,} characters, without U+0000."]})
    with transaction.atomic():
        before = Postback.objects.select_for_update(no_key=True, of=("self",)).get(pk=postback.pk)
        _refuse_too_many(before)
        proposed = stored_for_now(before, changes)
        changed = {key: value for key, value in changes.items() if _differs(before, proposed, key)}
        if not changed:
            raise WrongProposalError({"": [_SAME]})
        for waiting in Proposal.objects.select_for_update().filter(postback=before, state=Proposal.State.WAITING):
            end(waiting, Proposal.State.SUPERSEDED)
        # What did not change, but goes to another receiver, has been given for it, and is kept with the URL.
        again = {key: value for key, value in changes.items() if value and given_for_another(key, before, proposed)}
        values, secrets = seal({**changed, **again})
        proposal = Proposal.objects.create(
            postback=before,
            link=link,
            by_api=by_api,
            values=values,
            secrets=secrets,
            made_against=str(standing_of(before)),
            note=note.strip(),
        )
        tell_operators(proposal)
    return proposal


def withdraw(proposal: Proposal) -> bool:
    """Takes back one that waits. False if it has ended otherwise."""
    with transaction.atomic():
        locked = Proposal.objects.select_for_update(of=("self",)).get(pk=proposal.pk)
        if locked.state != Proposal.State.WAITING:
            return False
        end(locked, Proposal.State.WITHDRAWN)
    return True


def proposals_of(scope: Scope) -> QuerySet[Proposal]:
    """All for the postbacks that the link sees, whichever of their owner's links has made them."""
    return Proposal.objects.filter(postback__in=list(scope.every_postback)).select_related("postback", "link")


def _differs(before: Postback, proposed: Postback, key: str) -> bool:
    return bool(_stored(before, BY_KEY[key]) != _stored(proposed, BY_KEY[key]))


def _stored(postback: Postback, field: Field) -> Any:
    return stored_secrets(postback, field) if field.secret else getattr(postback, field.key)


def _refuse_too_many(postback: Postback) -> None:
    recent = Proposal.objects.filter(postback=postback, created_at__gt=timezone.now() - timedelta(days=1))
    if recent.count() >= MOST_A_DAY:
        text = f"{MOST_A_DAY} changes of this postback have been proposed within a day. Wait, or ask its operator."
        raise WrongProposalError({"": [text]})
