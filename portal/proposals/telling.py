"""Operators hear of a proposal by notices; the partner of what became of it by e-mail, if its link has an address."""

from __future__ import annotations

import logging
from typing import Final

from django.core.mail import EmailMessage

from notices import pages
from notices.events import Event
from notices.telling import News, tell, tidy
from portal.models import Proposal
from portal.proposals.fields import BY_KEY
from postbacks.credentials.secrets.headers import receiver_of

logger = logging.getLogger(__name__)

_ENDED: Final = {
    Proposal.State.APPROVED: "was approved: the postback is changed",
    Proposal.State.REFUSED: "was refused: the postback stays as it is",
}


def tell_operators(proposal: Proposal) -> None:
    """Tells channels that have chosen it, within the transaction. Of values, only the new receiver is named."""
    postback = proposal.postback
    url = proposal.values.get("url")
    moves = isinstance(url, str) and receiver_of(url) != receiver_of(postback.url)
    text = f"{proposal.author} proposes a change of {what_changes(proposal)}"
    text += f", to {receiver_of(url)}." if moves else "."
    tell(
        News(
            Event.PROPOSAL,
            f"proposal:{proposal.pk}",
            title=f"Proposal: {postback}",
            text=f"{text} It waits for an operator.",
            path=pages.page_of(proposal),
            program=postback.action_tracker.program_id,
            postback=postback.pk,
            at=proposal.created_at,
        )
    )


def mail_partner(proposal: Proposal) -> str | None:
    """Writes to the link's address what became of the proposal. Returns what went wrong; None if nothing did."""
    if not proposal.link.email:
        return None
    title = tidy(f"Your proposal for {proposal.postback.name} {_ENDED[Proposal.State(proposal.state)]}")
    lines = [f"{title}.", f"You had proposed another {what_changes(proposal)}."]
    lines += [f"The operator writes:\n{proposal.reason}"] if proposal.reason else []
    try:
        EmailMessage(title, "\n\n".join(lines) + "\n", None, [proposal.link.email]).send()
    except OSError as error:  # The mail server is away or refuses.
        logger.warning("%s: the partner could not be told by e-mail: %s", proposal, error)
        return tidy(str(error))
    return None


def what_changes(proposal: Proposal) -> str:
    """The fields in words, such as `URL and HTTP Header`."""
    keys = [*proposal.values, *proposal.secrets]
    names = [field.label for key, field in BY_KEY.items() if key in keys]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
