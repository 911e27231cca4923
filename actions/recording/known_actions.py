"""The actions that a batch of reports is about: what is known of them, and the locks on those that change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from decimal import Decimal

from django.db.models import Max

from actions.models import Action, ActionEvent, Item
from actions.recording.action_state import ActionState, Worth
from actions.recording.lines import line_of
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from partners.models import ActionTracker

OrderKey = tuple[int, str]  # Event type, order id.
NamedOrder = tuple[int | None, str]  # The same, as reports name it.


class KnownActions:
    """The actions of the order ids in a batch; the state of each that may change, locked."""

    def __init__(self, known: Iterable[Action], locked: Iterable[ActionState]) -> None:
        self._actions: dict[OrderKey, list[Action]] = defaultdict(list)
        for action in known:
            self._actions[action.action_tracker_id, action.order_id].append(action)
        self._states = {state.action.pk: state for state in locked}

    def repeated(self, tracker: ActionTracker, report: Report) -> Action | None:
        """The action that `report` repeats: of the same order id, with an event date nearer than the dedup window."""
        if report.event_date is None:
            raise ValueError("A new action has an event date.")
        known = self._actions.get((tracker.id, report.order_id))
        if not known:
            return None
        window = timedelta(days=tracker.dedup_window_days)
        for action in reversed(known):
            if abs(action.event_date - report.event_date) < window:
                return action
        return None

    def next_repeat(self, tracker: ActionTracker, order_id: str) -> int:
        """The number that tells the next action of the order id from the earlier ones."""
        actions = self._actions.get((tracker.id, order_id))
        return actions[-1].order_repeat + 1 if actions else 0

    def add(self, state: ActionState) -> None:
        """Take in a new action of this batch."""
        values = vars(state.action)  # Past Django's descriptors, as an import adds thousands.
        self._actions[values["action_tracker_id"], values["order_id"]].append(state.action)
        self._states[values["id"]] = state

    def target(self, report: Report) -> ActionState:
        """The action that a change is about: the action that it names, or the newest of its order id.

        Raises:
            Rejected: there is none, or what the change says of it is not so.
        """
        if report.action_id is not None:
            state = self._states.get(report.action_id[2])
            name = "{}.{}.{}".format(*report.action_id)
        else:
            actions = self._actions.get((report.action_tracker_id or 0, report.order_id))
            state = self._states.get(actions[-1].pk) if actions else None
            name = f"with the order id {report.order_id} of the event type {report.action_tracker_id}"
        if state is None or not _agrees(state.action, report):
            raise Rejected(
                "ACTION_NOT_FOUND", f"There is no action {name}.", "ActionId" if report.action_id else "OrderId"
            )
        return state

    def has_order(self, report: Report) -> bool:
        """Whether there is an action of the order that a change names, by its order id."""
        return bool(self._actions.get((report.action_tracker_id or 0, report.order_id)))

    def changeable(self) -> list[ActionState]:
        """The actions that a change may be about."""
        return list(self._states.values())

    def touched(self) -> list[ActionState]:
        """The actions that were created or changed, in the order of their ids."""
        return [state for _, state in sorted(self._states.items()) if state.changed]


def _agrees(action: Action, report: Report) -> bool:
    ids = report.action_id or (action.program_id, action.action_tracker_id, action.pk)
    return (
        ids == (action.program_id, action.action_tracker_id, action.pk)
        and report.campaign_id in (None, action.program_id)
        and (report.programs is None or action.program_id in report.programs)
        and report.action_tracker_id in (None, action.action_tracker_id)
        and report.order_id in ("", action.order_id)
    )


def load_known_actions(reports: Sequence[Report], ids: Collection[int]) -> KnownActions:
    """Read the actions with `ids`, of the orders in `reports`, and lock those that change, in the order of their ids.

    A lock is held until the transaction ends; it makes the ids of one action's events commit in their order.
    """
    known = list(Action.objects.filter(pk__in=ids).order_by("order_repeat")) if ids else []
    newest: dict[NamedOrder, int] = {(action.action_tracker_id, action.order_id): action.pk for action in known}
    changes = [report for report in reports if report.kind != ActionEvent.Kind.CREATED]
    targets = {report.action_id[2] for report in changes if report.action_id}
    targets |= {
        newest[report.action_tracker_id, report.order_id]
        for report in changes
        if (report.action_tracker_id, report.order_id) in newest
    }
    states = lock_actions(targets) if targets else []
    if any(report.resets for report in changes):
        _load_first_worths(states)
    return KnownActions(known, states)


def _load_first_worths(states: Iterable[ActionState]) -> None:
    """Note what those were worth when they were created that an earlier release has changed: it kept it in events."""
    unknown = {state.action.pk: state for state in states if state.events > 1 and not state.action.created_worth}
    for event in ActionEvent.objects.filter(action__in=unknown, number=1) if unknown else ():
        unknown[event.action_id].created_worth = Worth.of_event(event.parameters)


def lock_actions(ids: Iterable[int]) -> list[ActionState]:
    """The actions as they are now, with what is known of them; nobody else can change them in this transaction."""
    locked = (
        Action.objects.filter(pk__in=ids)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
        .select_related("program", "action_tracker", "partner", "contract_term")
        .prefetch_related("contract_term__category_payouts")
    )
    states = {action.pk: ActionState.stored(action) for action in locked}
    for item in Item.objects.filter(action__in=states).order_by("action_id", "position"):
        state = states[item.action_id]
        state.stored_items.append(item)
        state.lines += (line_of(item),)
    events = ActionEvent.objects.filter(action__in=states)
    for pk, last in events.order_by().values_list("action").annotate(Max("number")):
        states[pk].events = last
    reversed_ids = [pk for pk, state in states.items() if state.action.status == Action.Status.REVERSED]
    if reversed_ids:
        standing = events.filter(action__in=reversed_ids).exclude(kind=ActionEvent.Kind.REVERSED)
        for event in standing.order_by("action_id", "-number").distinct("action_id"):
            values = event.parameters
            states[event.action_id].before_reversal = Decimal(values["Amount"]), Decimal(values["Payout"])
    return list(states.values())
