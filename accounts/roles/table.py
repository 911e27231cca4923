"""What each role may do, as permissions. Pure. `docs/roles.md` says the same, and a test compares the two."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from partners.permissions import SEE_PERSONAL


class Role(StrEnum):
    """The roles; each has the name of its group."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


_SET_UP: Final = (
    *("partners.program", "partners.actiontracker", "partners.inappevent", "partners.exchangerate"),
    *("partners.partner", "partners.contract", "partners.contractterm", "partners.categorypayout"),
    "partners.attributionrule",
    *("optimize_sources.mediasource", "postbacks.postback"),
)
_WATCHED: Final = (
    *("actions.action", "actions.item", "actions.actionevent", "actions.submission"),
    *("postbacks.delivery", "postbacks.attempt", "postbacks.lane", "postbacks.replay"),
    *("portal.proposal", "partners.heldrate"),
)
_GUARDED: Final = ("actions.apitoken", "notices.channel", "auth.user", "auth.group")
_ALL: Final = ("view", "add", "change", "delete")


def _of(models: tuple[str, ...], *verbs: str) -> frozenset[str]:
    return frozenset(
        f"{app}.{verb}_{name}" for app, _, name in (each.partition(".") for each in models) for verb in verbs
    )


_VIEWER: Final = _of((*_SET_UP, *_WATCHED), "view")
_OPERATOR: Final = (
    _VIEWER
    | _of(_SET_UP, *_ALL)
    | _of(("postbacks.replay",), "add", "change")
    # Actions are reported and changed by hand as through the API: each change is an event.
    | _of(("actions.action",), "add", "change")
    # Deliveries are not edited: the permission to change them means to resend and cancel. Likewise, refused reports are
    # processed again.
    | _of(("postbacks.delivery", "actions.submission"), "change")
    # What partners propose, and published rates that are held, is not edited either: to change it means to approve or
    # accept it, or not.
    | _of(("portal.proposal", "partners.heldrate"), "change")
    # Without addresses.
    | _of(("notices.channel",), "view")
    # Links are revoked, not deleted: histories name them.
    | _of(("portal.partnerlink",), "view", "add", "change")
    | {SEE_PERSONAL}
)

PERMISSIONS: Final[dict[Role, frozenset[str]]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMINISTRATOR: _OPERATOR | _of(_GUARDED, *_ALL) | _of(("auditlog.logentry",), "view"),
}
"""Everything that a role may do, as `app.codename`."""
