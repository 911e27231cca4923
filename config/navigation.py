"""The left navigation, in the operators' words, limited to what the user may see.

An entry names an admin page and the permission that it requires. One whose page is not installed is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """`page` is the name of a URL, `under` the heading above the entry within its group.

    `words` are others by which the search finds the page.
    """

    title: str
    icon: str
    page: str
    permission: str
    under: str = ""
    words: str = ""


_GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Engage",
        (
            Entry(
                "Partners",
                "handshake",
                "admin:partners_partner_changelist",
                "partners.view_partner",
                "Partners",
                words="affiliates publishers media partners accounts",
            ),
            Entry(
                "Contracts",
                "contract",
                "admin:partners_contract_changelist",
                "partners.view_contract",
                "Partners",
                words="terms payouts commission agreements rates",
            ),
            Entry(
                "Programs",
                "storefront",
                "admin:partners_program_changelist",
                "partners.view_program",
                "Program",
                words="campaigns brands advertisers currency",
            ),
            Entry(
                "Event types",
                "ads_click",
                "admin:partners_actiontracker_changelist",
                "partners.view_actiontracker",
                "Program",
                words="action trackers conversions goals hidden parameters in-app events",
            ),
            Entry(
                "Attribution rules",
                "rule",
                "admin:partners_attributionrule_changelist",
                "partners.view_attributionrule",
                "Program",
                words="promo codes coupons credit",
            ),
            Entry(
                "Actions",
                "receipt_long",
                "admin:actions_action_changelist",
                "actions.view_action",
                "Program",
                words="conversions orders sales report change reverse",
            ),
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
                words="media sources mobile measurement optimize event notifications",
            ),
        ),
    ),
    (
        "Postbacks",
        (
            Entry(
                "Delivery log",
                "list_alt",
                "admin:postbacks_delivery_changelist",
                "postbacks.view_delivery",
                words="deliveries attempts requests answers failed resend postback log",
            ),
            Entry(
                "All postbacks",
                "send",
                "admin:postbacks_postback_changelist",
                "postbacks.view_postback",
                words="webhooks callbacks pixels urls paused state",
            ),
            Entry(
                "Proposals",
                "rate_review",
                "admin:portal_proposal_changelist",
                "portal.view_proposal",
                words="partners portal changes waiting approve refuse url",
            ),
            Entry(
                "Held",
                "pause_circle",
                "admin:postbacks_lane_changelist",
                "postbacks.view_lane",
                words="lanes destinations stopped down release paused circuit breaker waiting",
            ),
            Entry(
                "Replays",
                "replay",
                "admin:postbacks_replay_changelist",
                "postbacks.view_replay",
                words="send again resend many backfill",
            ),
        ),
    ),
    (
        "Settings",
        (
            Entry(
                "API tokens",
                "key",
                "admin:actions_apitoken_changelist",
                "actions.view_apitoken",
                words="keys access credentials passwords integrations",
            ),
            Entry(
                "Partner links",
                "link",
                "admin:portal_partnerlink_changelist",
                "portal.view_partnerlink",
                words="portal window share access engineers",
            ),
            Entry(
                "Submissions",
                "inbox",
                "admin:actions_submission_changelist",
                "actions.view_submission",
                words="uploads imports intake reported refused rejected",
            ),
            Entry(
                "Exchange rates",
                "currency_exchange",
                "admin:partners_exchangerate_changelist",
                "partners.view_exchangerate",
                words="currencies conversion central bank ecb",
            ),
            Entry(
                "Rates to accept",
                "published_with_changes",
                "admin:partners_heldrate_changelist",
                "partners.view_heldrate",
                words="currencies held published central bank ecb",
            ),
            Entry(
                "Notices",
                "notifications",
                "admin:notices_channel_changelist",
                "notices.view_channel",
                words="channels alerts e-mail slack teams webhooks digest told",
            ),
            Entry(
                "Changes",
                "history",
                "admin:auditlog_logentry_changelist",
                "auditlog.view_logentry",
                words="audit history log entries who changed",
            ),
            Entry(
                "Users",
                "group",
                "admin:auth_user_changelist",
                "auth.view_user",
                words="accounts people sign in passwords team",
            ),
            Entry(
                "Roles",
                "shield_person",
                "admin:auth_group_changelist",
                "auth.view_group",
                words="groups permissions rights access viewer operator administrator",
            ),
        ),
    ),
)


def entries() -> Iterator[tuple[str, Entry]]:
    """Each entry with the title of its group."""
    for title, group in _GROUPS:
        for entry in group:
            yield title, entry


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
