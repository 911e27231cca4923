"""The left navigation, in the operators' words, limited to what the user may see.

An entry names an admin page and the permission that it requires. One whose page is not installed is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """`page` is the name of a URL, `under` the heading above the entry within its group."""

    title: str
    icon: str
    page: str
    permission: str
    under: str = ""


_GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Engage",
        (
            Entry("Partners", "handshake", "admin:partners_partner_changelist", "partners.view_partner", "Partners"),
            Entry("Contracts", "contract", "admin:partners_contract_changelist", "partners.view_contract", "Partners"),
            Entry("Programs", "storefront", "admin:partners_program_changelist", "partners.view_program", "Program"),
            Entry(
                "Event types",
                "ads_click",
                "admin:partners_actiontracker_changelist",
                "partners.view_actiontracker",
                "Program",
            ),
            Entry(
                "Attribution rules",
                "rule",
                "admin:partners_attributionrule_changelist",
                "partners.view_attributionrule",
                "Program",
            ),
            Entry("Actions", "receipt_long", "admin:actions_action_changelist", "actions.view_action", "Program"),
        ),
    ),
    (
        "Optimize",
        (
            Entry(
                "Networks",
                "hub",
                "admin:optimize_sources_mediasource_changelist",
                "optimize_sources.view_mediasource",
                "Settings",
            ),
        ),
    ),
    (
        "Postbacks",
        (
            Entry("Delivery log", "list_alt", "admin:postbacks_delivery_changelist", "postbacks.view_delivery"),
            Entry("All postbacks", "send", "admin:postbacks_postback_changelist", "postbacks.view_postback"),
            Entry("Held", "pause_circle", "admin:postbacks_lane_changelist", "postbacks.view_lane"),
            Entry("Replays", "replay", "admin:postbacks_replay_changelist", "postbacks.view_replay"),
        ),
    ),
    (
        "Settings",
        (
            Entry("API tokens", "key", "admin:actions_apitoken_changelist", "actions.view_apitoken"),
            Entry("Submissions", "inbox", "admin:actions_submission_changelist", "actions.view_submission"),
            Entry(
                "Exchange rates",
                "currency_exchange",
                "admin:partners_exchangerate_changelist",
                "partners.view_exchangerate",
            ),
            Entry("Notices", "notifications", "admin:notices_channel_changelist", "notices.view_channel"),
            Entry("Changes", "history", "admin:auditlog_logentry_changelist", "auditlog.view_logentry"),
            Entry("Users", "group", "admin:auth_user_changelist", "auth.view_user"),
            Entry("Roles", "shield_person", "admin:auth_group_changelist", "auth.view_group"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups with their entries, in the format of the theme."""
    groups = [_Shown(request).group(title, entries) for title, entries in _GROUPS]
    home = {"title": "Dashboard", "icon": "monitoring", "link": reverse("admin:index")}
    return [{"title": "", "items": [home]}, *(group for group in groups if group["items"])]


class _Shown:
    def __init__(self, request: HttpRequest) -> None:
        self._user = request.user
        self._heading = ""

    def group(self, title: str, entries: tuple[Entry, ...]) -> dict[str, Any]:
        items = [item for entry in entries if (item := self._item(entry)) is not None]
        return {"title": title, "separator": True, "items": items}

    def _item(self, entry: Entry) -> dict[str, Any] | None:
        if not self._user.has_perm(entry.permission):
            return None
        try:
            link = reverse(entry.page)
        except NoReverseMatch:
            return None
        under = entry.under if entry.under != self._heading else ""
        self._heading = entry.under
        return {"title": entry.title, "icon": entry.icon, "link": link, "under": under}
