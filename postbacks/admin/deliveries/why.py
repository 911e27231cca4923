"""Why an action's partner and the networks were told or not, as the page of the action and the log show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from actions.models import Action
from partners.admin_kit import may_see_personal
from postbacks.admin.deliveries.timeline import Moment, timeline_of
from postbacks.admin.deliveries.views import OPTIMIZE
from postbacks.delivery_log.find import actions_named, own_ids
from postbacks.models import Delivery, Postback
from postbacks.why.answers import MOST_EVENTS, Owner, answers_of
from postbacks.why.credit import Link, credit_of, hidden_among
from postbacks.why.reports import Reports, reports_of

MOST_ACTIONS: Final = 3  # The latest that a search of the log names; each takes a dozen queries.


@dataclass(frozen=True, slots=True)
class Story:
    """An action, whom it is credited to and why, and its events with what each fired and did not fire.

    `sends` says whether the user may send anyway.
    """

    action: Action
    credit: list[str]
    today: str
    links: list[tuple[str, str]]
    moments: list[Moment]
    elsewhere: list[Postback]
    more: bool
    sends: bool
    most_events: int = MOST_EVENTS


@dataclass(frozen=True, slots=True)
class Found:
    """What a search of the log says beside deliveries: the actions it names, or what became of the order's reports."""

    stories: list[Story]
    more_actions: int
    reports: Reports | None
    messages_hidden: bool


def story_of(action: Action, request: HttpRequest, *, asked_for: Owner | None = None) -> Story:
    """The story of an action as this user may see it."""
    user = request.user
    deliveries, networks = user.has_perm("postbacks.view_delivery"), user.has_perm(OPTIMIZE)
    moments = timeline_of(action, deliveries=deliveries, networks=networks)
    told = credit_of(action, personal=may_see_personal(request))
    elsewhere: list[Postback] = []
    more = False
    if deliveries:
        answers = answers_of(action, [each.event for each in moments], networks=networks, asked_for=asked_for)
        for moment in moments:
            moment.unfired = answers.unfired.get(moment.event.pk, [])
        elsewhere, more = answers.elsewhere, answers.more
    links = [(link.text, _url(link)) for link in told.links if user.has_perm(link.permission)]
    sends = user.has_perm("postbacks.change_delivery") and deliveries
    hidden = hidden_among(action, [moment.event for moment in moments])
    return Story(action, [*told.reasons, *hidden], told.today, links, moments, elsewhere, more, sends)


def found_by(term: str, request: HttpRequest, *, asked_for: Owner | None = None) -> Found | None:
    """What to say of a search, beside the deliveries that it finds; None if the user may not see actions."""
    if not request.user.has_perm("actions.view_action"):
        return None
    own = Delivery.objects.filter(pk__in=own_ids(term)).order_by().values_list("action_id", flat=True)
    named = sorted({*actions_named(term), *own}, reverse=True)
    stories = [story_of(action, request, asked_for=asked_for) for action in _actions(named[:MOST_ACTIONS])]
    reports = None
    if request.user.has_perm("actions.view_submission"):
        reports = reports_of(stories[0].action.order_id if stories else term)
    return Found(stories, max(0, len(named) - MOST_ACTIONS), reports, not may_see_personal(request))


def _actions(ids: Iterable[int]) -> list[Action]:
    rows = Action.objects.select_related("partner", "program", "action_tracker", "contract_term")
    return list(rows.filter(pk__in=list(ids)).order_by("-pk"))


def _url(link: Link) -> str:
    url = reverse(link.url, args=[] if link.key is None else [link.key])
    return f"{url}?{urlencode(link.query)}" if link.query else url
