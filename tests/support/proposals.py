"""Links of partners, and what they propose, for tests."""

from __future__ import annotations

import hashlib
import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from optimize_sources.models import MediaSource
from partners.models import Partner
from portal.models import PartnerLink, Proposal
from portal.proposals.making import propose
from postbacks.models import Postback

_numbers = itertools.count(1)


def link_of(owner: Partner | MediaSource, *rights: str, **fields: Any) -> PartnerLink:
    """One that lasts for a day."""
    secret = hashlib.sha256(str(next(_numbers)).encode()).hexdigest()
    mine = {"partner": owner} if isinstance(owner, Partner) else {"media_source": owner}
    defaults = {"name": "engineer", "secret_sha256": secret, "ends_at": timezone.now() + timedelta(days=1)}
    return PartnerLink.objects.create(**{**defaults, **mine, "rights": list(rights), **fields})


def proposal_for(postback: Postback, *, link: PartnerLink | None = None, note: str = "", **changes: Any) -> Proposal:
    """What the link, or one that is made, proposes; without changes, another path."""
    changes = changes or {"url": f"{postback.url}&v=2"}  # The same receiver.
    return propose(link or link_of(postback.owner, "propose"), postback, changes, note=note)
