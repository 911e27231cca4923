"""Which programs, partners and contracts a token sees, and which of them are wanted."""

from __future__ import annotations

from datetime import UTC, date
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from actions.intake.reading import programs_of
from actions.models import ApiToken
from partners.models import Contract, ContractTerm, Partner, Program

UPCOMING, ACTIVE, EXPIRED = "UPCOMING", "ACTIVE", "EXPIRED"
INACTIVE = "INACTIVE"


def campaigns_of(token: ApiToken) -> QuerySet[Program]:
    """The programs that the token is for."""
    ids = programs_of(token)
    return Program.objects.all() if ids is None else Program.objects.filter(pk__in=ids)


def partners_of(token: ApiToken) -> QuerySet[Partner]:
    """The partners; of a token for some programs those that have a contract with one of them."""
    ids = programs_of(token)
    return Partner.objects.all() if ids is None else Partner.objects.filter(_has_contract(program__in=ids))


def _has_contract(**lookups: Any) -> Q:
    return Q(pk__in=Contract.objects.filter(**lookups).values("partner"))


def partners_in(partners: QuerySet[Partner], program: int) -> QuerySet[Partner]:
    """Those that have, or had, a contract with the program."""
    return partners.filter(_has_contract(program=program))


def partners_by_relationship(partners: QuerySet[Partner], state: str, programs: QuerySet[Program]) -> QuerySet[Partner]:
    """Those with a contract of today (ACTIVE), or without (INACTIVE)."""
    related = Q(pk__in=Contract.objects.filter(in_status(ACTIVE), program__in=programs).values("partner"))
    return partners.filter(related if state == ACTIVE else ~related)


def in_status(status: str) -> Q:
    """Of contracts: not begun, of today, or over."""
    today = _today()
    if status == UPCOMING:
        return Q(start__gt=today)
    over = Q(end__lt=today)
    return over if status == EXPIRED else Q(start__lte=today) & ~over


def with_contracts(partners: QuerySet[Partner], programs: QuerySet[Program]) -> QuerySet[Partner]:
    """The partners with their contracts in these programs loaded."""
    contracts = Contract.objects.filter(program__in=programs).select_related("program").order_by("pk")
    return partners.prefetch_related(Prefetch("contracts", contracts, to_attr="shown_contracts"))


def contracts_in(program: Program) -> QuerySet[Contract]:
    """The program's contracts, with all that is shown of them loaded."""
    return program.contracts.select_related("program", "partner").prefetch_related(
        "terms__action_tracker", "terms__category_payouts"
    )


def status_of(dated: Contract | ContractTerm) -> str:
    """Whether its days are to come, have come, or are over."""
    today = _today()
    if dated.start is not None and dated.start > today:
        return UPCOMING
    return EXPIRED if dated.end is not None and dated.end < today else ACTIVE


def _today() -> date:
    return timezone.now().astimezone(UTC).date()
