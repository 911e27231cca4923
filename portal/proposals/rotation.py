"""The secrets of proposals that wait are encrypted with the newest key together with those of postbacks."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from portal.models import Proposal
from postbacks.credentials.secrets.cipher import SecretUnreadableError, encrypted_anew
from postbacks.credentials.secrets.rotation import Rotated


def encrypt_anew(rotated: Rotated, **_signal: Any) -> None:
    for pk in Proposal.objects.exclude(secrets={}).filter(state=Proposal.State.WAITING).values_list("pk", flat=True):
        with transaction.atomic():
            proposal = Proposal.objects.select_for_update().get(pk=pk)
            try:
                fresh = {key: [_anew(*pair) for pair in pairs] for key, pairs in proposal.secrets.items()}
            except SecretUnreadableError as error:
                rotated.unreadable.append(f"{proposal}: {error}")
                continue
            # By the query set: nothing changes that a history should tell.
            Proposal.objects.filter(pk=pk).update(secrets=fresh)
            rotated.others += 1


def _anew(name: str, token: str) -> list[str]:
    return [name, encrypted_anew(token) if token else ""]
