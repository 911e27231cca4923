"""A term's monthly limits: how many actions, and how much payout, it pays for.

They are decided once, when an action is created. The term's row is locked before its month is counted, so that two
recordings at the same moment cannot both take the last place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import CharField, Count, DateTimeField, ExpressionWrapper, F, Q, Sum
from django.db.models.functions import Coalesce, TruncMonth

from actions.models import Action
from partners.models import ContractTerm

Month = date  # Its first day.
Place = tuple[int, Month]  # Of a term, in a month.

# No UTC offset is larger: a month as reported lies within the UTC month widened by this on both sides.
WIDEST_OFFSET = timedelta(days=1)


@dataclass(slots=True)
class Usage:
    """What a term has paid for in a month."""

    actions: int = 0
    payout: Decimal = Decimal(0)


class Limits:
    """The usage of limited terms; counts what is granted. `any` tells whether a term is limited."""

    def __init__(self, usage: Mapping[Place, Usage], *, any_limited: bool = True) -> None:
        self.any = any_limited
        self._usage = dict(usage)

    def grant(self, term: ContractTerm, day: date, payout: Decimal) -> str:
        """Take one action with `payout` on `day` into account; the reason code if a limit forbids it, else empty."""
        if not is_limited(term) or not payout:
            return ""
        used = self._usage.setdefault((term.pk, day.replace(day=1)), Usage())
        if term.monthly_action_limit is not None and used.actions >= term.monthly_action_limit:
            return "OVERLIMIT_ACTIONCAP"
        if term.monthly_payout_limit is not None and used.payout + payout > term.monthly_payout_limit:
            return "OVERLIMIT_BUDGET"
        used.actions += 1
        used.payout += payout
        return ""


def is_limited(term: ContractTerm) -> bool:
    return term.monthly_action_limit is not None or term.monthly_payout_limit is not None


def lock_limits(places: Collection[tuple[ContractTerm, date]]) -> Limits:
    """Lock the limited terms among `places` (term, day) until the transaction ends, and count their months."""
    limited = {term.pk for term, _ in places if is_limited(term)}
    if not limited:
        return Limits({}, any_limited=False)
    list(ContractTerm.objects.filter(pk__in=limited).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    days = [day for term, day in places if is_limited(term)]
    first = datetime.combine(min(days).replace(day=1), datetime.min.time(), UTC) - WIDEST_OFFSET
    last = datetime.combine(max(days), datetime.min.time(), UTC) + timedelta(days=31) + WIDEST_OFFSET
    as_reported = ExpressionWrapper(
        F("event_date") + F("event_utc_offset_minutes") * timedelta(minutes=1), output_field=DateTimeField()
    )
    rows = (
        Action.objects.filter(contract_term__in=limited, event_date__gte=first, event_date__lte=last, payout__gt=0)
        .annotate(
            month=TruncMonth(as_reported, tzinfo=UTC),
            currency=Coalesce(
                "partner_currency", "partner__first_currency", "partner__currency", output_field=CharField()
            ),
        )
        .order_by()
        .values_list("contract_term", "month")
        # The limit is in the partner's currency: what was paid in another one cannot be held against it.
        .annotate(
            actions=Count("pk"), total=Sum("payout", filter=Q(currency=F("partner__currency")), default=Decimal(0))
        )
    )
    return Limits({(term, month.date()): Usage(count, total) for term, month, count, total in rows})
