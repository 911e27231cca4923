"""How long the pages of the delivery log and the dashboard take with millions of deliveries."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from benchmarks import rows
from benchmarks.results import Figure, Target, at_most
from postbacks.admin.deliveries.bulk_actions import MOST
from postbacks.models import Delivery, Postback

TIMES = 7
TARGET_MS = 200.0
LOG = "/admin/postbacks/delivery/"
_RESEND = f"{LOG}resend/"
DAYS = 30

# Spread over the days, with some that failed or were cancelled; a click for some actions.
_LIVED_IN = """
UPDATE postbacks_delivery SET
    created_at = now() - make_interval(days => %s) * (1 - id::float8 / (SELECT max(id) FROM postbacks_delivery)),
    state = CASE WHEN id %% 200 = 0 THEN 'failed' WHEN id %% 500 = 1 THEN 'cancelled' ELSE state END
WHERE state = 'delivered'
"""
_CLICKS = """UPDATE actions_action SET reported = jsonb_build_object('RefClickId', 'click ' || id) WHERE id % 10 = 0"""
_ROLLUPS = """
INSERT INTO postbacks_rollup (period, at, postback_key, attempts, succeeded, delivered, failed, cancelled, details)
SELECT %s, date_trunc(%s, now()) - n * %s::interval, key, 50, 48, 48, 1, 1,
       '{"took:5": 20, "took:8": 20, "took:12": 10, "lag:4": 49, "why:refused": 1, "why:status_5xx": 1}'
FROM generate_series(0, %s) n, unnest(%s::bigint[]) key
"""


def figures(full: bool) -> Iterator[Figure]:
    """Each page is requested within this process; web server and network would add to the time."""
    count, destinations = (5_000_000, 1_000) if full else (300_000, 1_000)
    postbacks = _fill(count, destinations)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("benchmark"))
    shown = f"{count:,} deliveries"
    for what, path in _pages(postbacks).items():
        yield _figure(f"{what}, {shown}", client, path, at_most(TARGET_MS))
    for span in ("hour", "day", "week"):
        yield _figure(
            f"dashboard, last {span}, {destinations:,} busy postbacks",
            client,
            f"/admin/?span={span}",
            at_most(TARGET_MS),
        )
    chosen = Delivery.objects.filter(state="delivered").order_by("-pk").values_list("pk", flat=True)[:MOST]
    ids = {"ids": ",".join(map(str, chosen))}
    yield Figure(f"the question before {MOST:,} are sent again", _ask(client, _RESEND, {"chosen": ids["ids"]}), "ms")
    yield Figure(f"{MOST:,} sent again", _ask(client, _RESEND, {"sure": "", **ids}), "ms")
    made = Delivery.objects.filter(known_as__isnull=False).order_by("-pk").values_list("pk", flat=True)[:MOST]
    ids = {"ids": ",".join(map(str, made))}
    yield Figure(f"{MOST:,} cancelled", _ask(client, f"{LOG}cancel/", {"sure": "", **ids}), "ms")


def _fill(count: int, destinations: int) -> list[Postback]:
    """Fills the tables. The last postback had 30 deliveries, long ago; the first has a backlog of a fiftieth of all."""
    rows.clear()
    postbacks = rows.make_destinations([f"http://127.0.0.1:1/{number}" for number in range(destinations)])
    rows.add_history(postbacks[-1:], 30)
    rows.add_history(postbacks[:-1], count)
    with connection.cursor() as cursor:
        cursor.execute(_LIVED_IN, [DAYS])
        cursor.execute(_CLICKS)
        keys = [0, *(postback.pk for postback in postbacks)]
        cursor.execute(_ROLLUPS, ["hour", "hour", "1 hour", 8 * 24, keys])
        cursor.execute(_ROLLUPS, ["minute", "minute", "1 minute", 90, keys])
    rows.add_deliveries(postbacks[:1], count // 50)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE postbacks_delivery, actions_action, postbacks_rollup")
    return postbacks


def _pages(postbacks: list[Postback]) -> Mapping[str, str]:
    middle = Delivery.objects.filter(state="delivered").latest("pk").pk // 2
    found = Delivery.objects.select_related("action").get(pk=middle - middle % 10)
    click = Delivery.objects.filter(action__reported__has_key="RefClickId", pk__gte=middle).select_related("action")[0]
    since = timezone.localtime(timezone.now() - timedelta(days=DAYS / 2))
    window = f"since={since:%Y-%m-%dT%H:%M:%S}&until={since + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
    network = postbacks[0].media_source_id
    return {
        "newest": LOG,
        "half way back": f"{LOG}?before={middle}",
        "failed": f"{LOG}?state=failed",
        "failed, half way back": f"{LOG}?state=failed&before={middle}",
        "failed of one postback": f"{LOG}?state=failed&postback={postbacks[1].pk}",
        "of one owner": f"{LOG}?media_source={network}",
        "of one event type": f"{LOG}?action_tracker={postbacks[1].action_tracker_id}",
        "of a postback that was last busy long ago": f"{LOG}?postback={postbacks[-1].pk}",
        "of an hour long ago": f"{LOG}?{window}",
        "failed in an hour long ago": f"{LOG}?state=failed&{window}",
        "not finished": f"{LOG}?state=unfinished",
        "not finished, of one postback": f"{LOG}?state=unfinished&postback={postbacks[0].pk}",
        "searched by action": f"{LOG}?q={found.action.action_id}",
        "searched by order": f"{LOG}?q={found.action.order_id}",
        "searched by click": f"{LOG}?q={click.action.reported['RefClickId']}",
        "one delivery": f"{LOG}{found.pk}/change/",
        "one action": f"/admin/actions/action/{found.action_id}/change/",
    }


def _figure(what: str, client: Client, path: str, target: Target) -> Figure:
    first = _ask(client, path)
    times = [_ask(client, path) for _ in range(TIMES)]
    return Figure(what, statistics.median(times), "ms", 0, target, {"first": first, "times": times, "path": path})


def _ask(client: Client, path: str, posted: dict[str, str] | None = None) -> float:
    """The milliseconds until the whole page is complete."""
    began = time.perf_counter()
    answer = client.get(path) if posted is None else client.post(path, posted)
    took = time.perf_counter() - began
    if answer.status_code not in (200, 302):
        raise RuntimeError(f"{path}: status {answer.status_code}")
    return took * 1000
