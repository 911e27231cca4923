"""What requests bring of changes, and what is answered where these cannot be saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.proposals.trying import WrongProposalError
from postbacks.api.refusals import ProblemsError, RefusedError
from postbacks.config_file.problems import Place, Problem


def changes_in(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The object under `changes`; empty without one. Raises RefusedError."""
    changes = asked.get("changes") or {}
    if not isinstance(changes, dict):
        raise RefusedError(400, "changes: This must be an object with what is to change.", "changes")
    return changes


def refused(error: WrongProposalError) -> RefusedError:
    """Every problem, by the key of the body."""
    return ProblemsError(
        Problem(Place(key if key in ("", "note") else f"changes.{key}", 1), message)
        for key, messages in error.problems.items()
        for message in messages
    )
