"""An operator approves or refuses. Whoever comes second changes nothing."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from partners.opened_with import Conflict, Opened
from portal.models import Proposal
from portal.proposals.ending import end
from portal.proposals.fields import unsealed
from portal.proposals.standing import changed_since
from portal.proposals.trying import WrongProposalError, problems_of, save
from postbacks.config_file.changes import LoadResult
from postbacks.models import Postback


class DecidedError(Exception):
    """It does not wait any more; `proposal` says what became of it."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(str(proposal))
        self.proposal = proposal


class ChangedError(Exception):
    """The postback is not what the operator was shown."""

    def __init__(self, conflict: Conflict) -> None:
        super().__init__("The postback has changed.")
        self.conflict = conflict


def approve(pk: int, user: Any, seen: Opened, reason: str = "") -> tuple[Proposal, LoadResult]:
    """Changes the postback as proposed, if it still is what the operator has `seen`. Returns the proposal, and what
    changed with its warnings.

    Raises:
        DecidedError: It does not wait any more.
        ChangedError: The postback has been changed since, or deleted.
        WrongProposalError: It cannot be saved, by today's rules and with today's postback.
        SecretUnreadableError: A secret of it cannot be decrypted.
    """
    with transaction.atomic():
        proposal = _locked(pk)
        postback = proposal.postback
        conflict = changed_since(postback, seen)
        if conflict is not None:
            raise ChangedError(conflict)
        if postback.deleted_at is not None:
            raise WrongProposalError({"": ["The postback has been deleted."]})
        saved = save(postback, unsealed(proposal))
        if saved.postback is None:
            transaction.set_rollback(True)
            raise WrongProposalError(problems_of(saved))
        end(proposal, Proposal.State.APPROVED, user, reason)
    return proposal, saved.outcome


def refuse(pk: int, user: Any, reason: str) -> Proposal:
    """Leaves the postback as it is. The partner reads the reason. Raises DecidedError."""
    with transaction.atomic():
        proposal = _locked(pk)
        end(proposal, Proposal.State.REFUSED, user, reason)
    return proposal


def _locked(pk: int) -> Proposal:
    """The proposal, still waiting, with its postback: both locked, the postback first, as whoever proposes does."""
    known = Proposal.objects.only("postback_id").get(pk=pk)
    postback = Postback.objects.select_for_update(no_key=True, of=("self",)).get(pk=known.postback_id)
    proposal = Proposal.objects.select_related("link").select_for_update(of=("self",)).get(pk=pk)
    if proposal.state != Proposal.State.WAITING:
        raise DecidedError(proposal)
    proposal.postback = postback
    return proposal
