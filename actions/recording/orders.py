"""The orders that a batch of reports is about: what is known of them, and the locks on those that change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Max

from actions.models import Action, ActionEvent, Item
from actions.recording.items import Line
from actions.recording.snapshot import as_reported
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from partners.models import ActionTracker

# Through the constraint's index, order by order. Most orders are new, so this is all that is asked of most.
KNOWN = """
SELECT a.id FROM unnest(%s::bigint[], %s::text[]) AS asked (tracker, order_id)
JOIN actions_action a ON a.action_tracker_id = asked.tracker AND a.order_id = asked.order_id
"""

OrderKey = tuple[int, str]  # Event type, order id.
Money = tuple[Decimal, Decimal]  # Amount, payout.


@dataclass(slots=True)
class Order:
    """One action as it stands inside the transaction, locked or new."""

    action: Action
    lines: tuple[Line, ...] = ()
    events: int = 0
    before_reversal: Money | None = None  # Of a reversed one: what a restoration brings back.
    new: bool = False
    changed: bool = False
    stored_items: list[Item] = field(default_factory=list)

    @property
    def day(self) -> date:
        """The day of its event date, as reported."""
        return as_reported(self.action.event_date, self.action.event_utc_offset_minutes).date()


class Orders:
    """The known actions of the order ids in a batch; the ones that change are held as locked `Order`s."""

    def __init__(self, known: Iterable[Action], locked: Iterable[Order]) -> None:
        self._actions: dict[OrderKey, list[Action]] = defaultdict(list)
        for action in known:
            self._actions[action.action_tracker_id, action.order_id].append(action)
        self._orders = {order.action.pk: order for order in locked}

    def repeated(self, tracker: ActionTracker, report: Report) -> Action | None:
        """The action that `report` repeats: of the same order id, with an event date nearer than the dedup window."""
        if report.event_date is None:
            raise ValueError("A new action has an event date.")
        window = timedelta(days=tracker.dedup_window_days)
        for action in reversed(self._actions[tracker.pk, report.order_id]):
            if abs(action.event_date - report.event_date) < window:
                return action
        return None

    def next_repeat(self, tracker: ActionTracker, order_id: str) -> int:
        """The number that tells the next action of the order id from the earlier ones."""
        actions = self._actions[tracker.pk, order_id]
        return actions[-1].order_repeat + 1 if actions else 0

    def add(self, order: Order) -> None:
        """Take in a new action of this batch."""
        action = order.action
        self._actions[action.action_tracker_id, action.order_id].append(action)
        self._orders[action.pk] = order

    def target(self, report: Report) -> Order:
        """The order that a change is about: the action that it names, or the newest of its order id.

        Raises:
            Rejected: there is none, or what the change says of it is not so.
        """
        if report.action_id is not None:
            order = self._orders.get(report.action_id[2])
            name = "{}.{}.{}".format(*report.action_id)
        else:
            actions = self._actions.get((report.action_tracker_id or 0, report.order_id))
            order = self._orders.get(actions[-1].pk) if actions else None
            name = f"with the order id {report.order_id} of the event type {report.action_tracker_id}"
        if order is None or not _agrees(order.action, report):
            raise Rejected(
                "ACTION_NOT_FOUND", f"There is no action {name}.", "ActionId" if report.action_id else "OrderId"
            )
        return order

    def touchable(self) -> list[Order]:
        """The orders that a change may be about."""
        return list(self._orders.values())

    def touched(self) -> list[Order]:
        """The orders that were created or changed, in the order of their ids."""
        return [order for _, order in sorted(self._orders.items()) if order.new or order.changed]


def _agrees(action: Action, report: Report) -> bool:
    ids = report.action_id or (action.program_id, action.action_tracker_id, action.pk)
    return (
        ids == (action.program_id, action.action_tracker_id, action.pk)
        and report.campaign_id in (None, action.program_id)
        and report.action_tracker_id in (None, action.action_tracker_id)
        and report.order_id in ("", action.order_id)
    )


def load_orders(reports: Sequence[Report]) -> Orders:
    """Read what is known of the orders in `reports`, and lock the actions that change, in the order of their ids.

    A lock is held until the transaction ends; it makes the ids of one action's events commit in their order.
    """
    keys = {
        (report.action_tracker_id, report.order_id)
        for report in reports
        if report.order_id and report.action_tracker_id is not None
    }
    known = _known(keys) if keys else []
    newest: dict[tuple[int | None, str], int] = {
        (action.action_tracker_id, action.order_id): action.pk for action in known
    }
    changes = [report for report in reports if report.kind != ActionEvent.Kind.CREATED]
    targets = {report.action_id[2] for report in changes if report.action_id}
    targets |= {
        newest[report.action_tracker_id, report.order_id]
        for report in changes
        if (report.action_tracker_id, report.order_id) in newest
    }
    return Orders(known, lock_orders(targets) if targets else ())


def _known(keys: Collection[tuple[int | None, str]]) -> list[Action]:
    """The actions of these orders; of one order id in the order of its uses."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [[tracker for tracker, _ in keys], [order_id for _, order_id in keys]])
        ids = [row[0] for row in cursor.fetchall()]
    return list(Action.objects.filter(pk__in=ids).order_by("order_repeat")) if ids else []


def lock_orders(ids: Iterable[int]) -> list[Order]:
    """The actions as they are now, with what is known of them; nobody else can change them in this transaction."""
    locked = (
        Action.objects.filter(pk__in=ids)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
        .select_related("program", "action_tracker", "partner", "contract_term__contract__partner")
        .prefetch_related("contract_term__category_payouts")
    )
    orders = {action.pk: Order(action) for action in locked}
    for item in Item.objects.filter(action__in=orders).order_by("action_id", "position"):
        order = orders[item.action_id]
        order.stored_items.append(item)
        order.lines += (line_of(item),)
    events = ActionEvent.objects.filter(action__in=orders)
    for pk, last in events.order_by().values_list("action").annotate(Max("number")):
        orders[pk].events = last
    reversed_ids = [pk for pk, order in orders.items() if order.action.status == Action.Status.REVERSED]
    if reversed_ids:
        standing = events.filter(action__in=reversed_ids).exclude(kind=ActionEvent.Kind.REVERSED)
        for event in standing.order_by("action_id", "-number").distinct("action_id"):
            values = event.parameters
            orders[event.action_id].before_reversal = Decimal(values["Amount"]), Decimal(values["Payout"])
    return list(orders.values())


def line_of(item: Item) -> Line:
    return Line(item.sku, item.category, item.name, item.quantity, item.sub_total, item.amount, item.discount)
