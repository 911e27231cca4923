"""The sample: a program with an event type, a partner with a contract, and a postback to the built-in receiver.

It shows a first user the way of a conversion without a server of a partner's, and is removed whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from secrets import token_hex
from typing import Final

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from actions.models import Action, ActionEvent, EarlyChange, Item, Submission
from actions.recording.record import record
from actions.recording.results import Recorded
from actions.reports.report import parse_report
from partners.models import ActionTracker, Contract, ContractTerm, Partner, Program
from postbacks.egress.built_in import PREFIX, address_for, partner_of
from postbacks.lifecycle import delete_postback
from postbacks.metrics.fold import fold
from postbacks.models import Attempt, Delivery, Postback, ReplayItem, Rollup

MOST_ACTIONS: Final = 1_000  # With more it is no sample any more, and removing them would take long.
SHOWN: Final = 20
_QUERY: Final = "?id={ActionId}&event={ActionEvent}&status={Status}&amount={Amount}&payout={Payout}"


class SampleError(Exception):
    """Why nothing was done, as a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The sample that there is."""

    postback: Postback
    partner: Partner
    program: Program


def find() -> Sample | None:
    """The sample, or None; one query. Its postback is known by its URL, which nobody can make up."""
    rows = Postback.objects.filter(url__startswith=PREFIX, partner__isnull=False)
    for row in rows.select_related("partner", "action_tracker__program", "lane").order_by("pk"):
        if row.partner is not None and partner_of(row.url) == row.partner_id:
            return Sample(row, row.partner, row.action_tracker.program)
    return None


@transaction.atomic
def make() -> Sample:
    """Makes the sample, or returns the one that there is."""
    with connection.cursor() as cursor:  # Two who press at once make one.
        cursor.execute("LOCK TABLE partners_partner IN SHARE ROW EXCLUSIVE MODE")
    known = find()
    if known is not None:
        return known
    program = Program.objects.create(name="Sample program", currency="USD")
    tracker = ActionTracker.objects.create(program=program, name="Sample order")
    partner = Partner.objects.create(name=_free_name("Sample partner"), currency="USD")
    contract = Contract.objects.create(partner=partner, program=program, start=timezone.localdate().replace(day=1))
    kind = ContractTerm.PayoutType.PERCENTAGE
    ContractTerm.objects.create(contract=contract, action_tracker=tracker, payout_type=kind, payout=Decimal(10))
    postback = Postback(
        partner=partner,
        action_tracker=tracker,
        name="Sample postback",
        url=f"{address_for(partner.pk)}{_QUERY}",
        method=Postback.Method.GET,
    )
    postback.full_clean()
    postback.save()
    return Sample(postback, partner, program)


def report(sample: Sample) -> Action:
    """Reports a made-up conversion of the sample, with nothing that says who a customer is.

    Raises:
        SampleError: It was not recorded, or the sample has as many as it may have.
    """
    if sample.program.actions.count() >= MOST_ACTIONS:
        raise SampleError(f"The sample has {MOST_ACTIONS:,} conversions, and takes no more: remove it.")
    fields = {
        "CampaignId": sample.program.pk,
        "ActionTrackerId": sample.postback.action_tracker_id,
        "MediaPartnerId": sample.partner.pk,
        "OrderId": f"SAMPLE-{token_hex(4)}",
        "EventDate": "NOW",
        "CurrencyCode": sample.program.currency,
        "Amount": "49.90",
    }
    (result,) = record([parse_report(fields)])
    if not isinstance(result, Recorded):
        raise SampleError(f"The conversion was not recorded: {getattr(result, 'message', 'it was a repeat')}")
    return result.event.action


def arrived(sample: Sample) -> list[Attempt]:
    """The last requests that the built-in receiver took, newest first."""
    newest = Delivery.objects.filter(postback=sample.postback, state__in=Delivery.FINISHED).order_by("-id")[:SHOWN]
    ids = list(newest.values_list("pk", flat=True))
    rows = Attempt.objects.filter(delivery__in=ids).select_related("delivery__action", "delivery__event")
    return list(rows.order_by("-delivery_id", "-number")[:SHOWN])


def remove(sample: Sample) -> None:
    """Removes the sample with all that it has made.

    Raises:
        SampleError: Something of it is in use; then nothing is removed.
    """
    fold(wait=True)  # What is counted so far would come back later.
    try:
        with transaction.atomic():
            _remove(sample)
    except IntegrityError as error:  # A protected row, or a reference that the database knows.
        raise SampleError(
            "Something else belongs to the sample: a contract, a postback or an action of another program, partner or "
            "network. Delete that first."
        ) from error


def _remove(sample: Sample) -> None:
    actions = Action.objects.filter(program=sample.program)
    if actions.count() > MOST_ACTIONS:
        raise SampleError(f"The sample has more than {MOST_ACTIONS:,} actions: it is in use, and is not removed.")
    own = {"partner": sample.partner, "action_tracker__program": sample.program}  # What else the partner has is in use.
    postbacks = list(Postback.objects.filter(**own).order_by("pk"))
    for postback in postbacks:
        delete_postback(postback)  # From here on nothing is sent and no delivery is made.
    deliveries = Delivery.objects.filter(postback__in=postbacks)
    if deliveries.filter(state=Delivery.State.SENDING).exists():
        raise SampleError("A delivery of the sample is being sent. Try again in a moment.")
    ids = list(actions.values_list("pk", flat=True))
    trackers = sample.program.action_trackers.all()
    Attempt.objects.filter(delivery__in=deliveries).delete()
    ReplayItem.objects.filter(postback__in=postbacks).delete()
    deliveries.delete()
    Submission.objects.filter(action__in=ids).update(action=None)
    EarlyChange.objects.filter(action_tracker__in=trackers).delete()
    ActionEvent.objects.filter(action__in=ids).delete()
    Item.objects.filter(action__in=ids).delete()
    actions.delete()
    Rollup.objects.filter(postback_key__in=[each.pk for each in postbacks]).delete()
    contracts = sample.partner.contracts.filter(program=sample.program)
    for row in (*postbacks, *contracts, *trackers, sample.partner, sample.program):
        row.delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # What refers to it is said here, and not at the commit.


def _free_name(wanted: str) -> str:
    taken = set(Partner.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    names = (wanted, *(f"{wanted} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
