"""How a proposal ends. From then on its secrets are of no use here, and are not kept."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.models import Proposal


def end(proposal: Proposal, state: Proposal.State, user: Any = None, reason: str = "") -> None:
    """Of a locked one that waits. The names of its secrets stay, to say what was proposed."""
    proposal.state, proposal.decided_at = state, timezone.now()
    proposal.decided_by, proposal.reason = user, reason.strip()
    proposal.secrets = {key: [[name, ""] for name, _token in pairs] for key, pairs in proposal.secrets.items()}
    proposal.save(update_fields=["state", "decided_at", "decided_by", "reason", "secrets"])
