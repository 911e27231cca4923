"""The sample: made once, told by the built-in receiver alone, and removed whole or not at all."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.utils import timezone

from actions.models import Action
from postbacks import sample as samples
from postbacks.egress.built_in import address_for
from postbacks.metrics.fold import fold
from postbacks.metrics.tally import as_text
from postbacks.models import Attempt, Delivery, Lane, Postback, Rollup, Tally
from tests.support.factories import (
    make_contract,
    make_media_source,
    make_partner,
    make_postback,
    make_program,
    make_term,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_redis")]
# What is kept of everything: who did what, and how many deliveries there were.
KEPT = {"admin.LogEntry", "auditlog.LogEntry", "postbacks.Tally", "postbacks.Rollup"}


def rows() -> dict[str, int]:
    """How many rows there are, by model."""
    ours = [model for model in apps.get_models() if model._meta.managed and model._meta.label not in KEPT]
    return {model._meta.label: model._default_manager.count() for model in ours}


def deliver(sample: samples.Sample) -> None:
    """As a worker records what its receiver has answered."""
    for delivery in Delivery.objects.filter(postback=sample.postback):
        Attempt.objects.create(
            delivery=delivery,
            number=1,
            started_at=timezone.now(),
            duration_ms=0,
            succeeded=True,
            reason="Status 200",
            method="GET",
            url=f"{address_for(sample.partner.pk)}?id={delivery.action_id}",
            status=200,
        )
    Delivery.objects.update(state=Delivery.State.DELIVERED, finished_at=timezone.now())


def test_it_is_made_once_reported_shown_and_removed_whole() -> None:
    make_partner(name="Sample partner")  # Of a user's own.
    before = rows()
    sample = samples.make()
    assert samples.make().postback.pk == sample.postback.pk
    assert sample.partner.name == "Sample partner 2"
    action = samples.report(sample)
    assert (str(action.payout), action.reported) == ("4.99", action.reported)
    deliver(sample)
    Lane.objects.get_or_create(postback=sample.postback)
    Tally.objects.create(counts=as_text({sample.postback.pk: {"delivered": 1}}))
    assert [each.status for each in samples.arrived(sample)] == [200]

    samples.remove(sample)

    assert rows() == before
    assert samples.find() is None
    fold()
    assert not Rollup.objects.filter(postback_key=sample.postback.pk, delivered__gt=0).exists()


def test_what_was_sent_on_is_found_by_its_address_and_a_copy_is_not() -> None:
    sample = samples.make()
    Postback.objects.filter(pk=sample.postback.pk).update(partner=make_partner())
    assert samples.find() is None  # Its address was made for another partner.


@pytest.mark.parametrize("in_use", ["contract", "network", "sending", "partner"])
def test_what_is_in_use_is_not_removed(in_use: str) -> None:
    sample = samples.make()
    tracker = sample.postback.action_tracker
    samples.report(sample)
    if in_use == "contract":
        make_contract(sample.partner, make_program())
    elif in_use == "partner":
        make_term(tracker, make_partner())
    elif in_use == "network":
        make_postback(tracker, make_media_source())
    else:
        Delivery.objects.update(state=Delivery.State.SENDING, owner=1, lease_until=timezone.now())
    before = rows()

    with pytest.raises(samples.SampleError):
        samples.remove(sample)
    assert rows() == before
    assert Postback.objects.get(pk=sample.postback.pk).deleted_at is None


def test_it_takes_only_so_many_conversions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST_ACTIONS", 1)
    sample = samples.make()
    samples.report(sample)
    with pytest.raises(samples.SampleError, match="takes no more"):
        samples.report(sample)
    assert Action.objects.count() == 1
