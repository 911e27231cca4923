"""Finds the admin's own pages by their names and by what else people call them."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from config.navigation import Entry, entries
from config.search.hits import Group, Hit

_MOST: Final = 6
_WORD: Final = re.compile(r"\w+")

# Pages that the navigation does not list. Those without a permission are for everyone who is signed in.
_OTHERS: Final = (
    ("Start", Entry("Dashboard", "", "admin:index", "", words="home figures overview start health failing")),
    ("Engage", Entry("Add partner", "", "admin:partners_partner_add", "partners.add_partner", words="new create")),
    ("Engage", Entry("Add contract", "", "admin:partners_contract_add", "partners.add_contract", words="new create")),
    ("Engage", Entry("Add program", "", "admin:partners_program_add", "partners.add_program", words="new create")),
    (
        "Engage",
        Entry(
            "Report conversions",
            "",
            "admin:actions_action_report_by_hand",
            "actions.add_action",
            words="manual entry upload import orders check only",
        ),
    ),
    (
        "Postbacks",
        Entry("Start a replay", "", "admin:postbacks_replay_add", "postbacks.add_replay", words="send again new"),
    ),
    ("Settings", Entry("Add user", "", "admin:auth_user_add", "auth.add_user", words="new create invite person")),
    (
        "Settings",
        Entry("Add API token", "", "admin:actions_apitoken_add", "actions.add_apitoken", words="new create key"),
    ),
    ("You", Entry("Time zone", "", "time_zone", "", words="clock hours utc profile preferences settings times")),
    ("You", Entry("Second factor", "", "second_factor_set_up", "", words="two-factor 2fa totp authenticator codes")),
    ("You", Entry("Change password", "", "admin:password_change", "", words="profile security sign in")),
)
# What is set by the environment has no page of its own: the nearest one, and where it is set.
_SETTINGS: Final = (
    ("retention keep days delete prune old", "Submissions", "How long data is kept is set by variables: …_KEPT_DAYS."),
)


def find_pages(request: HttpRequest, term: str) -> Group:
    """The pages that the user may open and in whose name or other words each typed word begins one."""
    typed = _words(term)
    hits = [hit for group, entry in (*entries(), *_OTHERS) if (hit := _hit(request, group, entry, typed))]
    hits.sort(key=lambda hit: (not hit.exact, not _begins(hit.title, typed)))
    return Group("Pages", "web_asset", hits[:_MOST] if typed else ())


def _hit(request: HttpRequest, group: str, entry: Entry, typed: list[str]) -> Hit | None:
    if entry.permission and not request.user.has_perm(entry.permission):
        return None
    about = next((text for words, title, text in _SETTINGS if title == entry.title and _match(words, typed)), "")
    if not about and not _match(f"{entry.title} {entry.words} {group}", typed):
        return None
    try:
        url = reverse(entry.page)
    except NoReverseMatch:
        return None
    return Hit(entry.title, about or group, url, exact=_words(entry.title) == typed)


def _match(text: str, typed: list[str]) -> bool:
    known = _words(text)
    return all(any(word.startswith(part) for word in known) for part in typed)


def _begins(title: str, typed: list[str]) -> bool:
    return _match(title, typed)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
