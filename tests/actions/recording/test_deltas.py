"""Whatever happens to an action: what its events say has changed adds up to what it pays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.models import ActionEvent
from actions.recording.record import record
from actions.recording.results import Recorded
from actions.reports.report import Report, parse_report
from partners.models import CategoryPayout
from tests.support.factories import make_partner, make_program, make_rate, make_report, make_term, make_tracker

pytestmark = pytest.mark.django_db

AMOUNTS = st.decimals(min_value=0, max_value=5_000, places=2).map(str)
DELTAS = st.decimals(min_value=-50, max_value=50, places=2).map(str)
SKUS = st.sampled_from("ABC")
CATEGORIES = st.sampled_from(["Watches", "Hats", "Other"])

ITEM = st.fixed_dictionaries(
    {"Sku": SKUS, "Category": CATEGORIES, "SubTotal": AMOUNTS}, optional={"Quantity": st.integers(0, 9)}
)
CHANGED_ITEM = st.one_of(
    ITEM,
    st.fixed_dictionaries({"Sku": SKUS, "SubTotalDelta": DELTAS}),
    st.fixed_dictionaries({"Sku": SKUS, "QuantityDelta": st.integers(-3, 3)}),
    st.fixed_dictionaries({"Sku": SKUS, "Quantity": st.integers(0, 9)}),
)
CHANGE: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"Event": st.just("modified"), "Items": st.lists(CHANGED_ITEM, min_size=1, max_size=4)}),
    st.fixed_dictionaries({"Event": st.just("modified"), "Amount": AMOUNTS}),
    st.fixed_dictionaries({"Event": st.just("modified"), "Note": st.text("ab", min_size=1, max_size=2)}),
    st.just({"Event": "reversed"}),
    st.just({"Event": "restored"}),
)


@pytest.fixture
def terms() -> list[Any]:
    """An event type, and partners that are paid in every way there is."""
    tracker = make_tracker(make_program(currency="USD"))
    make_rate("USD", "JPY", "153.20970000")
    make_rate("GBP", "USD", "1.27310000")
    percentage = make_term(tracker, make_partner(currency="JPY"), "7.3333%")
    flat = make_term(tracker, make_partner(), "2.5050")
    by_category = make_term(tracker, make_partner(), "1.9%")
    CategoryPayout.objects.create(
        contract_term=by_category, category="Watches", payout_type="flat", payout=Decimal("0.3350")
    )
    CategoryPayout.objects.create(
        contract_term=by_category, category="Hats", payout_type="percentage", payout=Decimal("9.99")
    )
    limited = make_term(tracker, make_partner(), "50%", monthly_payout_limit=Decimal(100))
    return [(tracker, term.contract.partner) for term in (percentage, flat, by_category, limited)]


@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_sum_of_all_deltas_is_what_the_action_pays(terms: list[Any], data: st.DataObject) -> None:
    tracker, partner = data.draw(st.sampled_from(terms))
    currency = data.draw(st.sampled_from(["USD", "GBP"]))
    first = data.draw(
        st.one_of(
            st.builds(lambda items: {"Items": items}, st.lists(ITEM, min_size=1, max_size=4)),
            st.builds(lambda amount: {"Amount": amount}, AMOUNTS),
        )
    )
    changes = data.draw(st.lists(CHANGE, max_size=12))
    # All in one transaction, or each in its own: the answer is the same.
    size = data.draw(st.sampled_from([1, 3, 100]))
    with transaction.atomic():
        new = make_report(tracker, partner, CurrencyCode=currency, **first)
        reports = [new, *(_change(new, fields) for fields in changes)]
        outcomes = [outcome for at in range(0, len(reports), size) for outcome in record(reports[at : at + size])]
        assert isinstance(outcomes[0], Recorded)
        action = outcomes[0].event.action
        action.refresh_from_db()
        events = ActionEvent.objects.filter(action=action).order_by("id")
        assert len(events) == sum(isinstance(outcome, Recorded) for outcome in outcomes)
        paid = earned = Decimal(0)
        for event in events:
            values = event.parameters
            paid += Decimal(values["DeltaPayout"])
            earned += Decimal(values["DeltaAmount"])
            assert (str(paid), str(earned)) == (values["Payout"], values["Amount"])
        assert (paid, earned) == (action.payout, action.amount)
        transaction.set_rollback(True)


def _change(new: Report, fields: dict[str, Any]) -> Report:
    return parse_report({"ActionTrackerId": new.action_tracker_id, "OrderId": new.order_id, **fields})
