"""Which rows may be read from a replica: what is reported, sent and counted, and whom it concerns.

Everything else is read from the primary wherever it is asked for: users, sessions, rights, links, tokens, lock-outs,
queues, and what is under way.
"""

from __future__ import annotations

from typing import Final

READABLE: Final = frozenset(
    {
        "partners.actiontracker",
        "partners.attributionrule",
        "partners.categorypayout",
        "partners.contract",
        "partners.contractterm",
        "partners.exchangerate",
        "partners.inappevent",
        "partners.partner",
        "partners.program",
        "optimize_sources.mediasource",
        "actions.action",
        "actions.actionevent",
        "actions.earlychange",
        "actions.item",
        "actions.submission",
        "postbacks.attempt",
        "postbacks.delivery",
        "postbacks.lane",
        "postbacks.postback",
        "postbacks.replay",
        "postbacks.replayitem",
        "postbacks.rollup",
        "postbacks.tally",
    }
)
"""By Django's `label_lower`."""
