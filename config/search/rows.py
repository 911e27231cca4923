"""Finds rows by name or id.

There are thousands of partners, networks, programs, event types and postbacks at most, so a part of a name is looked
for in all of them. Of actions and deliveries there are millions: those are found by whole ids, along indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Case, Model, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse

from actions.admin import find_actions
from actions.models import Action
from config.search.hits import Group, Hit
from optimize_sources.models import MediaSource
from partners.ids import read_id
from partners.models import ActionTracker, Partner, Program
from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.find import NEWEST, Finder
from postbacks.delivery_log.words import label_of
from postbacks.models import Delivery, Postback

MOST: Final = 5  # Of each group: enough to choose from, few enough to see all groups.
LOG: Final = "admin:postbacks_delivery_changelist"
NETWORKS: Final = "optimize_sources.view_mediasource"
_KINDS: Final[dict[type[Model], tuple[str, str]]] = {  # Their titles and icons, as in the navigation.
    Partner: ("Partners", "handshake"),
    MediaSource: ("Networks", "hub"),
    Program: ("Programs", "storefront"),
    ActionTracker: ("Event types", "ads_click"),
    Postback: ("Postbacks", "send"),
}


def find_partners(request: HttpRequest, term: str) -> Group:
    return _named(request, term, Partner.objects.all(), lambda row: "" if row.active else "inactive")


def find_networks(request: HttpRequest, term: str) -> Group:
    return _named(request, term, MediaSource.objects.all(), lambda row: row.type)


def find_programs(request: HttpRequest, term: str) -> Group:
    return _named(request, term, Program.objects.all(), lambda row: row.currency)


def find_event_types(request: HttpRequest, term: str) -> Group:
    rows = ActionTracker.objects.select_related("program")
    return _named(request, term, rows, lambda row: row.program.name, Q(code=term))


def find_postbacks(request: HttpRequest, term: str) -> Group:
    """By their own names and those of their owners, never by their URLs, which may hold tokens."""
    rows = Postback.objects.existing().select_related("partner", "media_source", "action_tracker")
    owners = Q(partner__name__icontains=term)
    if request.user.has_perm(NETWORKS):
        owners |= Q(media_source__name__icontains=term)
    else:
        rows = rows.filter(media_source__isnull=True)
    return _named(
        request,
        term,
        rows,
        lambda row: f"{row.owner.name}, {row.action_tracker.name}{', paused' if row.paused_at else ''}",
        owners,
    )


def find_orders(request: HttpRequest, term: str) -> Group:
    """Actions by action id or order id."""
    if not request.user.has_perm("actions.view_action"):
        return Group("Actions", "receipt_long")
    keys = sorted(find_actions(term), reverse=True)[: MOST + 1]
    rows = Action.objects.filter(pk__in=keys).select_related("action_tracker", "partner").order_by("-pk")
    hits = [
        Hit(
            f"{row.order_id} ({row.action_id})",
            ", ".join(filter(None, (row.action_tracker.name, _name(row.partner), row.get_status_display()))),
            reverse("admin:actions_action_change", args=(row.pk,)),
            exact=True,
        )
        for row in rows
    ]
    return _group("Actions", "receipt_long", hits, f"{reverse('admin:actions_action_changelist')}?{_query(term)}")


def find_deliveries(request: HttpRequest, term: str) -> Group:
    """Deliveries by what the delivery log's own search takes: their number, and the ids of an action and its click."""
    if not request.user.has_perm("postbacks.view_delivery"):
        return Group("Deliveries", "list_alt")
    keys = Finder(Filters(search=term), request.user.has_perm(NETWORKS)).below(NEWEST, MOST + 1)
    rows = Delivery.objects.filter(pk__in=keys).order_by("-pk")
    rows = rows.select_related("postback__partner", "postback__media_source", "action")
    hits = [
        Hit(
            f"Delivery {row.pk}",
            f"{label_of(row)}: order {row.action.order_id} to {row.postback.name} of {row.postback.owner.name}",
            reverse("admin:postbacks_delivery_change", args=(row.pk,)),
            exact=True,
        )
        for row in rows
    ]
    hits.sort(key=lambda hit: hit.title != f"Delivery {term}")
    return _group("Deliveries", "list_alt", hits, f"{reverse(LOG)}?{_query(term)}")


FINDERS: Final[tuple[Callable[[HttpRequest, str], Group], ...]] = (
    *(find_orders, find_deliveries, find_partners, find_networks, find_programs, find_event_types, find_postbacks),
)


def _named(
    request: HttpRequest, term: str, rows: QuerySet[Any], hint: Callable[[Any], str], also: Q | None = None
) -> Group:
    """Rows with a name: whole names and ids first, then what begins with the term, then the others."""
    meta = rows.model._meta  # noqa: SLF001 -- Django's documented interface
    title, icon = _KINDS[rows.model]
    if not request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
        return Group(title, icon)
    key = read_id(term)
    whole = Q(name__iexact=term) | Q(pk=key) if key is not None else Q(name__iexact=term)
    wanted = whole | Q(name__icontains=term) | (also or Q())
    rank = Case(When(whole, then=Value(0)), When(name__istartswith=term, then=Value(1)), default=Value(2))
    found: Iterable[Model] = rows.filter(wanted).order_by(rank, "name", "pk")[: MOST + 1]
    hits = [
        Hit(
            f"{row.name} ({row.pk})",  # type: ignore[attr-defined]  # of the models above
            hint(row),
            reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(row.pk,)),
            exact=row.pk == key or row.name.lower() == term.lower(),  # type: ignore[attr-defined]
        )
        for row in found
    ]
    listed = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return _group(title, icon, hits, f"{listed}?{_query(term)}")


def _group(title: str, icon: str, hits: list[Hit], more_url: str) -> Group:
    return Group(title, icon, hits[:MOST], more_url if len(hits) > MOST else "")


def _name(row: Any) -> str:
    return row.name if row is not None else ""


def _query(term: str) -> str:
    return urlencode({"q": term})
