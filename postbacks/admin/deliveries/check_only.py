"""What reports that are only checked would come to: who is credited, what it pays, and which postbacks would fire.

It looks at the events themselves, in the transaction that takes them back, so it says what recording them would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from actions.models import ActionEvent
from partners.admin_kit import may_see_personal
from postbacks.admin.deliveries.views import OPTIMIZE
from postbacks.models import Delivery, Postback
from postbacks.why.answers import Unfired, answers_of
from postbacks.why.credit import credit_of, hidden_among

_TOLD = ("Amount", "Currency", "Payout", "PayoutCurrency")


@dataclass(frozen=True, slots=True)
class Trial:
    """One line: the event that it would be, and what that fires. Whole: its rows are gone when it is shown."""

    line: int
    order_id: str
    what: str
    credit: list[str]
    amount: str
    payout: str
    fired: list[Postback]
    unfired: list[Unfired]
    elsewhere: int


def trials_of(lines: Sequence[tuple[int, int]], request: HttpRequest) -> list[Trial]:
    """What these events, given with their lines, would come to; nothing for who may not see deliveries."""
    if not request.user.has_perm("postbacks.view_delivery"):
        return []
    rows = ActionEvent.objects.select_related("action__partner", "action__program", "action__action_tracker")
    events = rows.in_bulk([event for _, event in lines])
    personal, networks = may_see_personal(request), request.user.has_perm(OPTIMIZE)
    return [_trial(line, events[event], personal=personal, networks=networks) for line, event in lines]


def _trial(line: int, event: ActionEvent, *, personal: bool, networks: bool) -> Trial:
    action = event.action
    answers = answers_of(action, [event], networks=networks)
    deliveries = Delivery.objects.filter(event=event).select_related("postback__partner", "postback__media_source")
    if not networks:
        deliveries = deliveries.filter(postback__media_source__isnull=True)
    amount, currency, payout, paid_in = (event.parameters.get(name, "") for name in _TOLD)
    return Trial(
        line=line,
        order_id=action.order_id,
        what=event.get_kind_display(),
        credit=[*credit_of(action, personal=personal).reasons, *hidden_among(action, [event])],
        amount=f"{amount} {currency}",
        payout=f"{payout} {paid_in}" if paid_in else "",
        fired=[delivery.postback for delivery in deliveries.order_by("pk")],
        unfired=answers.unfired.get(event.pk, []),
        elsewhere=len(answers.elsewhere),
    )
