"""The lists of partners, networks and contracts: filters by program and state, and the figures of the last 24 hours."""

# Django fixes the names of the arguments of its hooks, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from optimize_sources.models import MediaSource
from partners.ids import read_id
from partners.models import Partner, Program
from partners.offered import OfferedOnly
from postbacks.admin.integrations.failing import failing_now
from postbacks.admin.integrations.figures import Figures, figures_by
from postbacks.admin.integrations.owners import kind_of
from postbacks.admin.integrations.rows import Row
from postbacks.models import Postback

PER_PAGE = 50
NOTHING = "\N{EN DASH}"  # Where there is nothing to count.
_MOST_OFFERED = 100  # Programs or networks in a filter.


class ByProgram(admin.SimpleListFilter):
    """The rows of one program; `path` leads from the row to the program."""

    title = "program"
    parameter_name = "of_program"
    path = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(each.pk), str(each)) for each in Program.objects.all()[:_MOST_OFFERED]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        key = read_id(str(self.value()))
        found = queryset.model._default_manager.filter(**{self.path: key})  # noqa: SLF001 -- Django's documented interface
        return queryset.none() if key is None else queryset.filter(pk__in=found.order_by().values("pk"))


class PartnersOfProgram(ByProgram):
    path = "contracts__program"


class NetworksOfProgram(ByProgram):
    path = "postbacks__action_tracker__program"


class ContractsOfProgram(ByProgram):
    path = "program"


class PostbacksOfProgram(ByProgram):
    path = "action_tracker__program"


class PostbacksOfNetwork(admin.SimpleListFilter):
    """The postbacks of one network, or of all; only for users who may see networks."""

    title = "network"
    parameter_name = "of_network"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if not request.user.has_perm("optimize_sources.view_mediasource"):
            return []
        rows = MediaSource.objects.all()[:_MOST_OFFERED]
        return [("any", "Any network"), ("none", "No network: partners"), *((str(each.pk), str(each)) for each in rows)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        if asked is None:
            return queryset
        if asked in ("any", "none"):
            return queryset.filter(media_source__isnull=asked == "none")
        key = read_id(str(asked))
        return queryset.none() if key is None else queryset.filter(media_source=key)


class OwnersByState(admin.SimpleListFilter):
    """The owners that have a postback in a state, or none at all."""

    title = "state of postbacks"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("failing", "With a failing one"),
            ("held", "With a held one"),
            ("paused", "With a paused one"),
            ("none", "Without postbacks"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        owner = "partner" if queryset.model is Partner else "media_source"
        rows = Postback.objects.existing().filter(**{f"{owner}__isnull": False})
        if self.value() == "failing":
            rows = rows.filter(pk__in=failing_now(request))
        elif self.value() == "held":
            rows = rows.filter(lane__held_since__isnull=False, paused_at__isnull=True)
        elif self.value() == "paused":
            rows = rows.filter(paused_at__isnull=False)
        elif self.value() == "none":
            return queryset.exclude(pk__in=rows.order_by().values(owner))
        else:
            return queryset
        return queryset.filter(pk__in=rows.order_by().values(owner))


class ContractsByState(admin.SimpleListFilter):
    """Running today, ended, to come, or without a term, which pays nothing."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("running", "Running"), ("ended", "Ended"), ("to-come", "To come"), ("empty", "Without a term")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = timezone.localdate()
        conditions = {
            "running": Q(start__lte=today) & (Q(end__isnull=True) | Q(end__gte=today)),
            "ended": Q(end__lt=today),
            "to-come": Q(start__gt=today),
            "empty": Q(terms__isnull=True),
        }
        return queryset.filter(conditions.get(str(self.value()), Q()))


class LeadsHome(OfferedOnly):
    """A list with the figures of its rows. Of partners and networks it leads to their pages; from there to the form."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        if not self.is_popup and request.user.has_perm("postbacks.view_postback"):
            attach_figures(self.result_list)

    def url_for_result(self, result: Any) -> str:
        url: str = kind_of(result).url(result) if isinstance(result, Partner | MediaSource) else ""
        return url or super().url_for_result(result)


def attach_figures(rows: Iterable[Any]) -> None:
    """Gives each partner, network or contract its `figures`."""
    rows = list(rows)
    if not rows:
        return
    postbacks, key_of_postback, key_of_row = _grouped(rows)
    found = figures_by(postbacks, key_of_postback)
    for row in rows:
        row.figures = found.get(key_of_row(row), Figures())


_Key = Callable[[Any], Hashable]


def _grouped(rows: list[Any]) -> tuple[QuerySet[Postback], _Key, _Key]:
    """The postbacks of the rows, and by what a postback and a row belong together."""
    existing = Postback.objects.existing()
    if isinstance(rows[0], Partner | MediaSource):
        owner = kind_of(rows[0]).field
        return existing.filter(**{f"{owner}__in": rows}), lambda each: getattr(each, f"{owner}_id"), lambda row: row.pk
    postbacks = existing.filter(partner__in={row.partner_id for row in rows}).annotate(
        of_program=F("action_tracker__program")
    )
    return postbacks, lambda each: (each.partner_id, each.of_program), lambda row: (row.partner_id, row.program_id)


class ShowsFigures:
    """The columns of a list whose rows have figures."""

    list_per_page = PER_PAGE

    @admin.display(description="Name", ordering="name")
    def cut_name(self, row: Any) -> SafeString:
        return cut(row.name)

    @admin.display(description="Postbacks")
    def states(self, row: Any) -> SafeString | str:
        health = figures_of(row).health
        return format_html('<span class="pp-state {}">{}</span>', health.key, health.text)

    @admin.display(description="Sent in 24 h")
    def sent(self, row: Any) -> str:
        return f"{figures_of(row).sums.attempts:,}"

    @admin.display(description="Success")
    def success(self, row: Any) -> SafeString:
        return rates_of(figures_of(row))


def figures_of(row: Any) -> Figures:
    """The figures of a row; empty ones where the user may not see postbacks, or in a pop-up."""
    found: Figures = getattr(row, "figures", None) or Figures()
    return found


def rates_of(row: Figures | Row) -> SafeString:
    """The three rates of success, each with what it is of: only together do they say how a postback is."""
    rates = (
        (row.success_percent, "deliveries"),
        (row.attempts_percent, "attempts"),
        (row.first_percent, "first attempts"),
    )
    shown = ((NOTHING if percent is None else f"{percent:.1f} %", of) for percent, of in rates)
    lines = format_html_join("", "<span>{} <small>of {}</small></span>", shown)
    return format_html('<span class="pp-rates">{}</span>', lines)


def cut(text: str) -> SafeString:
    """The text, cut by the style where it is too long for its column; whole as the pointer rests on it."""
    return format_html('<span class="pp-cut" title="{}">{}</span>', text, text)
