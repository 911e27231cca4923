"""An owner's contracts in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from partners.contract_words import in_words
from partners.models import Contract, ContractTerm, Partner
from postbacks.admin.integrations.owners import Owner

SHOWN = 50  # Of one partner; more would be a table of their own.


@dataclass(frozen=True, slots=True)
class Told:
    """A contract; `lacks_terms` if it pays nothing."""

    pk: int
    text: str
    lacks_terms: bool


def contracts_of(owner: Owner) -> list[Told]:
    """The contracts of a partner, the newest first, in two queries; networks have none."""
    if not isinstance(owner, Partner):
        return []
    today = timezone.localdate()
    rows = list(Contract.objects.filter(partner=owner).select_related("program").order_by("-start", "pk")[:SHOWN])
    terms: dict[int, list[ContractTerm]] = {}
    for term in ContractTerm.objects.filter(contract__in=rows).select_related("action_tracker"):
        terms.setdefault(term.contract_id, []).append(term)
    return [
        Told(row.pk, in_words(row, terms.get(row.pk, []), owner.currency, today), row.pk not in terms) for row in rows
    ]
