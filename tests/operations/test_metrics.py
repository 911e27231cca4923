"""`/metrics`: the page is well-formed, its numbers are those of the database, and not everybody sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from actions.api.tokens import create_token
from actions.models import Submission
from environment.reading import token
from operations.metrics import readings
from postbacks import __version__
from postbacks.metrics.fold import EVER
from postbacks.metrics.tally import append
from postbacks.models import Lane, Postback, Rollup
from tests.support.delivery_rows import engine_connection, living_worker, make_delivery, make_held, make_lane
from tests.support.factories import make_tracker, report_fields
from tests.support.queued import queued

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "of-the-tests-and-long-enough"
# name: (type, labels)
FAMILIES = {
    "postbacks_deliveries": ("counter", {"outcome"}),
    "postbacks_attempts": ("counter", {"outcome"}),
    "postbacks_failures": ("counter", {"reason"}),
    "postbacks_action_events": ("counter", set()),
    "postbacks_deliveries_promised": ("counter", set()),
    "postbacks_attempt_duration_seconds": ("histogram", {"le"}),
    "postbacks_delivery_lag_seconds": ("histogram", {"le"}),
    "postbacks_backlog": ("gauge", {"state"}),
    "postbacks_oldest_waiting_seconds": ("gauge", set()),
    "postbacks_configured": ("gauge", {"state"}),
    "postbacks_held_seconds": ("gauge", {"postback", "name"}),
    "postbacks_refused_reports": ("gauge", set()),
    "postbacks_queued_reports": ("gauge", set()),
    "postbacks_worker_processes": ("gauge", set()),
    "postbacks_sweep_age_seconds": ("gauge", set()),
    "postbacks_beat_age_seconds": ("gauge", set()),
    "postbacks_prune_age_seconds": ("gauge", set()),
    "postbacks_exchange_rates_age_days": ("gauge", set()),
    "postbacks_exchange_rates_held": ("gauge", set()),
    "postbacks_build_info": ("gauge", {"version"}),
    "postbacks_postback_deliveries": ("counter", {"postback", "name", "outcome"}),
    "postbacks_postback_attempts": ("counter", {"postback", "name", "outcome"}),
    "postbacks_postback_attempt_duration_seconds": ("summary", {"postback", "name"}),
}


@pytest.fixture(autouse=True)
def with_a_token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def page(**headers: str) -> str:
    response = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", **headers})
    assert response.status_code == 200, response.content
    return response.content.decode()


def values(text: str) -> dict[str, float]:
    """Every series, as it is written: name and labels."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def count(**of_lane: dict[str, int]) -> None:
    """Leaves a tally, as workers do: postback id and its counters."""
    with engine_connection() as other, other.cursor() as cursor:
        append(cursor, {int(lane.removeprefix("p")): counts for lane, counts in of_lane.items()})


def fold_now() -> None:
    from postbacks.metrics.fold import fold

    fold()


def check_families(families: list[Metric]) -> None:
    found = {family.name: family for family in families}
    assert set(found) == set(FAMILIES)
    assert len(families) == len(found), "no family comes twice"
    for name, (kind, labels) in FAMILIES.items():
        family = found[name]
        assert (family.type, family.documentation.endswith(".")) == (kind, True), name
        series = [(sample.name, *sorted(sample.labels.items())) for sample in family.samples]
        assert len(series) == len(set(series)), f"{name}: no series comes twice"
        for sample in family.samples:
            of_buckets = {"le"} if sample.name.endswith("_bucket") else set()
            assert set(sample.labels) == labels - {"le"} | of_buckets, sample.name


@pytest.fixture
def busy() -> Postback:
    """A postback of each kind, and something counted."""
    lane, held, paused = make_lane(), make_lane(name='“down” \\ "x"'), make_lane()
    now = timezone.now()
    Lane.objects.create(postback=held, held_since=now - timedelta(hours=2), probe_at=now)
    Postback.objects.filter(pk=paused.pk).update(paused_at=now)
    make_delivery(lane, due_in_seconds=-90, priority=1)
    make_delivery(lane, due_in_seconds=600)
    make_delivery(lane, state="blocked")
    make_delivery(lane, state="delivered")
    make_delivery(held, due_in_seconds=-7200)
    make_delivery(paused, due_in_seconds=-7200)
    make_held(lane)
    Submission.objects.create(kind="conversion", result="rejected")
    counts = {"attempts": 7, "succeeded": 4, "delivered": 4, "failed": 1, "why:dns": 2, "why:rule": 1}
    count(
        p1=counts | {"took:0": 3, "took:5": 4, "lag:0": 4, "lag:31": 1, "took_us": 40_500, "lag_ms": 700_000_004},
        p2={"cancelled": 2, "attempts": 1, "took:27": 1, "took_us": 45_000_000},
    )
    fold_now()
    return held


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_the_page_is_well_formed_in_both_formats(accept: str) -> None:
    with living_worker():
        text = page(Accept=accept)
    parse = parse_openmetrics if "openmetrics" in accept else text_string_to_metric_families
    check_families(list(parse(text)))


@pytest.mark.usefixtures("busy")
def test_prometheuss_own_check_finds_nothing() -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run([promtool, "check", "metrics"], input=page(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_numbers_are_those_of_the_database(busy: Postback) -> None:
    with living_worker():
        found = values(page())
    expected = {
        'postbacks_deliveries_total{outcome="delivered"}': 4,
        'postbacks_deliveries_total{outcome="failed"}': 1,
        'postbacks_deliveries_total{outcome="cancelled"}': 2,
        'postbacks_attempts_total{outcome="succeeded"}': 4,
        'postbacks_attempts_total{outcome="failed"}': 4,
        'postbacks_failures_total{reason="dns"}': 2,
        'postbacks_failures_total{reason="rule"}': 1,
        'postbacks_failures_total{reason="other"}': 0,
        'postbacks_attempt_duration_seconds_bucket{le="0.001"}': 3,
        'postbacks_attempt_duration_seconds_bucket{le="0.007"}': 3,
        'postbacks_attempt_duration_seconds_bucket{le="0.01"}': 7,
        'postbacks_attempt_duration_seconds_bucket{le="30.0"}': 7,
        'postbacks_attempt_duration_seconds_bucket{le="60.0"}': 8,
        'postbacks_attempt_duration_seconds_bucket{le="+Inf"}': 8,
        "postbacks_attempt_duration_seconds_count": 8,
        "postbacks_attempt_duration_seconds_sum": 45.0405,
        "postbacks_delivery_lag_seconds_sum": 700_000.004,
        'postbacks_delivery_lag_seconds_bucket{le="0.005"}': 4,
        'postbacks_delivery_lag_seconds_bucket{le="604800.0"}': 4,
        'postbacks_delivery_lag_seconds_bucket{le="+Inf"}': 5,
        'postbacks_backlog{state="ready"}': 4,
        'postbacks_backlog{state="blocked"}': 1,
        'postbacks_backlog{state="sending"}': 1,
        'postbacks_configured{state="active"}': 1,
        'postbacks_configured{state="held"}': 1,
        'postbacks_configured{state="paused"}': 1,
        "postbacks_refused_reports": 1,
        "postbacks_worker_processes": 1,
        f'postbacks_build_info{{version="{__version__}"}}': 1,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert 90 <= found["postbacks_oldest_waiting_seconds"] < 120, "neither the held nor the paused one"
    held = f'postbacks_held_seconds{{name="{busy.name}",postback="{busy.pk}"}}'
    assert 7200 <= found[held] < 7230
    assert 0 <= found["postbacks_sweep_age_seconds"] < 10
    assert 0 <= found["postbacks_beat_age_seconds"] < 10


def test_reports_that_are_not_recorded_yet_are_counted() -> None:
    caller, tracker = create_token("shop")[0], make_tracker()
    for each in range(2):
        queued(caller, "conversion", **report_fields(tracker, OrderId=f"o-{each}"))
    assert values(page())["postbacks_queued_reports"] == 2


def test_an_empty_database_has_zeros_and_no_ages() -> None:
    found = values(page())
    assert found["postbacks_queued_reports"] == 0
    assert found['postbacks_deliveries_total{outcome="delivered"}'] == 0
    assert found['postbacks_attempt_duration_seconds_bucket{le="+Inf"}'] == 0
    assert found["postbacks_oldest_waiting_seconds"] == 0
    assert found["postbacks_worker_processes"] == 0
    assert "postbacks_sweep_age_seconds" not in found


def test_what_comes_in_is_counted_also_when_its_rows_are_gone() -> None:
    before = values(page())
    delivery = make_delivery(make_lane())
    delivery.delete()
    after = values(page())
    for name in ("postbacks_action_events_total", "postbacks_deliveries_promised_total"):
        assert after[name] == before[name] + 1


def test_without_beat_the_page_folds_what_lies_about_and_counts_it_once() -> None:
    count(p1={"delivered": 3})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE postbacks_tally SET at = now() - interval '2 minutes'")
    for _ in range(2):
        assert values(page())['postbacks_deliveries_total{outcome="delivered"}'] == 3
    assert Rollup.objects.get(period="ever", postback_key=1).delivered == 3


def test_what_is_in_no_row_yet_is_counted(busy: Postback) -> None:
    """Of all and of each of the busiest; a fold changes nothing."""

    def counted() -> dict[str, float]:
        return {name: value for name, value in values(page()).items() if "_total" in name or "_duration_" in name}

    nothing = counted()
    own = f"p{busy.pk}"
    count(**{own: {"attempts": 2, "succeeded": 1, "failed": 1, "why:dns": 1, "took_us": 250_000, "took:0": 2}})
    count(**{own: {"attempts": 1, "succeeded": 1, "took_us": 500_000, "took:0": 1}})
    before = counted()
    changed = {name: value - nothing[name] for name, value in before.items() if value != nothing[name]}
    of_one = {name: value for name, value in changed.items() if f'postback="{busy.pk}"' in name}
    assert sorted(of_one.values()) == [0.75, 1, 1, 2, 3], "duration, deliveries and attempts failed, succeeded, number"
    assert changed['postbacks_attempts_total{outcome="succeeded"}'] == 2
    assert changed['postbacks_failures_total{reason="dns"}'] == 1
    assert changed["postbacks_attempt_duration_seconds_sum"] == 0.75
    fold_now()
    assert counted() == before


def test_only_the_longest_held_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    for hours in (1, 3, 2):
        Lane.objects.create(postback=make_lane(), held_since=now - timedelta(hours=hours), probe_at=now)
    monkeypatch.setattr(readings, "HELD", readings.HELD.replace(f"LIMIT {readings.MOST_HELD_NAMED}", "LIMIT 2"))
    found = [round(value / 3600) for name, value in values(page()).items() if "postbacks_held_seconds" in name]
    assert found == [3, 2]


def test_the_busiest_of_the_last_day_have_series_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whole hours: neither what is older counts, nor what this hour has brought so far. Deleted ones have none."""
    quiet, first, second, gone, busy_now = (make_lane(name=name) for name in ("quiet", "1st", "2nd", "gone", "now"))
    Postback.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    attempts = [(quiet, 26, 900), (second, 24, 5), (first, 1, 3), (first, 2, 3), (gone, 1, 800), (busy_now, 0, 700)]
    for lane, hours, number in attempts:
        Rollup.objects.create(period="hour", at=hour - timedelta(hours=hours), postback_key=lane.pk, attempts=number)
    ever = {"attempts": 9, "succeeded": 6, "delivered": 5, "failed": 1, "cancelled": 2}
    Rollup.objects.create(period="ever", at=EVER, postback_key=first.pk, details={"took_us": 2_500_000}, **ever)
    monkeypatch.setattr(readings, "BUSIEST", readings.BUSIEST.replace(f"LIMIT {readings.MOST_BUSY_NAMED}", "LIMIT 3"))
    found = {name: value for name, value in values(page()).items() if "postbacks_postback_" in name}
    assert {name for series in found for name in re.findall(r'name="([^"]*)"', series)} == {"1st", "2nd", "quiet"}
    of_first = {
        re.sub(r'(postback|name)="[^"]*",?', "", series).replace(",}", "}"): value
        for series, value in found.items()
        if f'postback="{first.pk}"' in series
    }
    assert of_first == {
        'postbacks_postback_deliveries_total{outcome="delivered"}': 5,
        'postbacks_postback_deliveries_total{outcome="failed"}': 1,
        'postbacks_postback_deliveries_total{outcome="cancelled"}': 2,
        'postbacks_postback_attempts_total{outcome="succeeded"}': 6,
        'postbacks_postback_attempts_total{outcome="failed"}': 3,
        "postbacks_postback_attempt_duration_seconds_count{}": 9,
        "postbacks_postback_attempt_duration_seconds_sum{}": 2.5,
    }


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("", 401),
        ("Bearer of-the-tests-and-long-enougH", 401),
        ("Bearer", 401),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}é", 401),
        (f"bearer {TOKEN}", 200),
    ],
)
def test_only_who_has_the_token_sees_it(given: str, status: int) -> None:
    response = Client().get("/metrics", headers={"Authorization": given, "host": "10.0.0.9"})
    assert response.status_code == status
    assert response.headers["Cache-Control"] == "no-store"
    assert (b"postbacks_" in response.content) is (status == 200)
    assert response.headers.get("WWW-Authenticate") == ('Bearer realm="metrics"' if status == 401 else None)


def test_without_a_setting_nobody_sees_it(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    response = Client().get("/metrics", headers={"Authorization": "Bearer "})
    assert response.status_code == 403
    assert response.content.startswith(b"Set METRICS_TOKEN to a long random text")


@pytest.mark.parametrize("text", ["short", "with blanks in between, long", "ümlauts-and-more-of-them"])
def test_a_token_that_can_be_guessed_or_not_sent_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("METRICS_TOKEN", text)
    with pytest.raises(ImproperlyConfigured, match="METRICS_TOKEN must have 20 characters or more") as refused:
        token("METRICS_TOKEN")
    assert text not in str(refused.value)


def test_a_database_that_does_not_answer_is_no_empty_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "SECONDS", 0.2)
    monkeypatch.setattr(readings, "BACKLOG", "SELECT 'ready', 1 FROM pg_sleep(1)")
    response = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 503
    assert response.content.startswith(b"The database does not answer")
