"""deploy/alerts.yml: each alert fires on series that are bad in its way, and on no others, as promtool judges them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from environment.variables import BASE_DIR
from tests.operations.test_metrics import FAMILIES

RULES = BASE_DIR / "deploy" / "alerts.yml"
DELIVERIES, ATTEMPTS = "postbacks_deliveries_total", "postbacks_attempts_total"
LAG = "postbacks_delivery_lag_seconds_bucket"

# A value each minute: first, then what is added each time.
GOOD = {
    'postbacks_build_info{version="1.0.0"}': (1, 0),
    "postbacks_worker_processes": (4, 0),
    "postbacks_sweep_age_seconds": (1, 0),
    "postbacks_beat_age_seconds": (4, 0),
    "postbacks_prune_age_seconds": (3600, 60),
    "postbacks_oldest_waiting_seconds": (0.5, 0),
    f'{DELIVERIES}{{outcome="delivered"}}': (0, 100),
    f'{DELIVERIES}{{outcome="failed"}}': (0, 1),
    f'{DELIVERIES}{{outcome="cancelled"}}': (0, 0),
    f'{ATTEMPTS}{{outcome="succeeded"}}': (0, 100),
    f'{ATTEMPTS}{{outcome="failed"}}': (0, 40),
    f'{LAG}{{le="0.05"}}': (0, 60),
    f'{LAG}{{le="60.0"}}': (0, 98),
    f'{LAG}{{le="+Inf"}}': (0, 100),
    'postbacks_failures_total{reason="unbuildable"}': (7, 0),
    'postbacks_failures_total{reason="dns"}': (0, 3),
    "postbacks_action_events_total": (0, 10),
    "postbacks_refused_reports": (3, 0),
    'postbacks_held_seconds{postback="5",name="short"}': (900, 0),
}
HELD = 'postbacks_held_seconds{postback="7",name="orders"}'
ABSENT = None
MINUTES = 30

Changes = dict[str, tuple[float, float] | None]
NOTHING_ENDS: Changes = {f'{DELIVERIES}{{outcome="{name}"}}': (9, 0) for name in ("delivered", "failed", "cancelled")}

# What is different, and what fires after half an hour.
BAD: dict[str, tuple[Changes, set[str]]] = {
    "all is well": ({}, set()),
    "nothing is to be seen": (dict.fromkeys(GOOD), {"PostbacksNotSeen"}),
    "no worker": ({"postbacks_worker_processes": (0, 0)}, {"PostbacksNoWorker"}),
    "a sweep that is late": ({"postbacks_sweep_age_seconds": (31, 0)}, {"PostbacksSweepLate"}),
    "a sweep that was never": ({"postbacks_sweep_age_seconds": ABSENT}, {"PostbacksSweepLate"}),
    "a sweep that is slow": ({"postbacks_sweep_age_seconds": (29, 0)}, set()),
    "no beat": ({"postbacks_beat_age_seconds": (0, 60)}, {"PostbacksBeatAway"}),
    "never a beat": ({"postbacks_beat_age_seconds": ABSENT}, {"PostbacksBeatAway"}),
    "nothing ends": (NOTHING_ENDS | {"postbacks_oldest_waiting_seconds": (0, 15)}, {"PostbacksNothingEnds"}),
    "nothing is to be done": (NOTHING_ENDS, set()),
    "too much for the workers": ({"postbacks_oldest_waiting_seconds": (0, 60)}, {"PostbacksWaitingLong"}),
    "late": ({f'{LAG}{{le="60.0"}}': (0, 90), f'{LAG}{{le="120.0"}}': (0, 100)}, {"PostbacksLate"}),
    "a destination is down": ({HELD: (0, 120)}, {"PostbacksDestinationHeld"}),
    "down for a moment": ({HELD: (0, 60)}, set()),
    "down for days": ({HELD: (432_000, 60)}, {"PostbacksDestinationHeld", "PostbacksHeldNearlyAWeek"}),
    "most requests fail": ({f'{ATTEMPTS}{{outcome="failed"}}': (0, 101)}, {"PostbacksManyAttemptsFail"}),
    "most of a few requests fail": (
        {f'{ATTEMPTS}{{outcome="failed"}}': (0, 2), f'{ATTEMPTS}{{outcome="succeeded"}}': (0, 1)},
        set(),
    ),
    "many are given up": ({f'{DELIVERIES}{{outcome="failed"}}': (0, 6)}, {"PostbacksGivenUp"}),
    "some are given up": ({f'{DELIVERIES}{{outcome="failed"}}': (0, 5)}, set()),
    "a template is wrong": ({'postbacks_failures_total{reason="unbuildable"}': (0, 1)}, {"PostbacksUnbuildable"}),
    "reports are refused": ({"postbacks_refused_reports": (0, 1)}, {"PostbacksReportsRefused"}),
    "rates are late": ({"postbacks_exchange_rates_age_days": (7, 0)}, {"PostbacksExchangeRatesLate"}),
    "rates of Easter": ({"postbacks_exchange_rates_age_days": (6, 0)}, set()),
    "refused ones are processed": ({"postbacks_refused_reports": (60, -1)}, set()),
}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return found


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def series(changes: Changes, minutes: int) -> list[dict[str, str]]:
    values = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return [{"series": name, "values": f"{first}{step:+}x{minutes}"} for name, (first, step) in values.items()]


def firing(alerts: set[str], minute: int) -> dict[str, Any]:
    """These fire then, and no others."""
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(alerts)]
    expression = 'group by (alertname) (ALERTS{alertstate="firing"})'
    return {"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples}


def judge(promtool: str, folder: Path, tests: list[dict[str, Any]], every: str = "1m") -> None:
    """`every`: how often the rules are looked at. Days of minutes take promtool seconds."""
    file = folder / "tests.yml"
    whole = {"rule_files": [str(RULES)], "evaluation_interval": every, "tests": tests}
    file.write_text(yaml.safe_dump(whole, sort_keys=False))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_on_what_it_is_for_and_on_nothing_else(promtool: str, tmp_path: Path) -> None:
    judge(
        promtool,
        tmp_path,
        [
            {
                "name": name,
                "interval": "1m",
                "input_series": series(changes, MINUTES),
                "promql_expr_test": [firing(alerts, MINUTES)],
            }
            for name, (changes, alerts) in BAD.items()
        ],
    )


def test_an_intake_that_stops_is_noticed_where_there_was_one_a_day_ago(promtool: str, tmp_path: Path) -> None:
    day = 24 * 60
    stops = [each for each in series({}, day + 300) if each["series"] != "postbacks_action_events_total"]
    stops.append({"series": "postbacks_action_events_total", "values": f"0+10x{day} {10 * day}+0x300"})
    expected = [(day + 59, set()), (day + 80, {"PostbacksIntakeStopped"})]
    tests = [firing(alerts, minute) for minute, alerts in expected]
    judge(promtool, tmp_path, [{"interval": "1m", "input_series": stops, "promql_expr_test": tests}], "5m")


def test_pruning_that_is_behind_for_days(promtool: str, tmp_path: Path) -> None:
    expected = [firing(set(), 47 * 60), firing({"PostbacksPruneBehind"}, 49 * 60)]
    behind: list[Changes] = [{"postbacks_prune_age_seconds": ages} for ages in ((36 * 3600, 60), ABSENT)]
    tests = [
        {"interval": "1m", "input_series": series(changes, 50 * 60), "promql_expr_test": expected} for changes in behind
    ]
    judge(promtool, tmp_path, tests, "5m")


def test_a_moment_is_no_alarm_and_what_is_told_is_readable(promtool: str, tmp_path: Path) -> None:
    """Through its time of waiting first, and with its labels and figures in words."""
    down = {
        "exp_labels": {"severity": "warning", "postback": "7", "name": "orders"},
        "exp_annotations": {
            "summary": "The destination of postback 7, orders, is down.",
            "description": "It has been held for 1h 0m 0s; its deliveries wait.",
            "runbook_url": "https://docs.postbacks.example/operations.html#postbacksdestinationheld",
        },
    }
    alerts = [
        {"eval_time": f"{minute}m", "alertname": "PostbacksDestinationHeld", "exp_alerts": expected}
        for minute, expected in ((15, []), (20, []), (30, [down]))
    ]
    held = series({HELD: (0, 120)}, MINUTES)
    judge(promtool, tmp_path, [{"interval": "1m", "input_series": held, "alert_rule_test": alerts}])


def test_every_alert_is_tried_above() -> None:
    tried = {alert for _, alerts in BAD.values() for alert in alerts} | {
        "PostbacksIntakeStopped",
        "PostbacksPruneBehind",
    }
    assert tried == {rule["alert"] for rule in rules()}


def test_rules_name_metrics_that_there_are_and_labels_that_they_have() -> None:
    suffixes = {"counter": "_total", "histogram": "_bucket", "gauge": "", "summary": "_sum"}
    known = {f"{name}{suffixes[kind]}": labels for name, (kind, labels) in FAMILIES.items()}
    for rule in rules():
        for name, labels in re.findall(r"\b(postbacks_\w+)(?:\{(\w+))?", rule["expr"]):
            assert name in known, rule["alert"]
            assert not labels or labels in known[name], rule["alert"]


def test_each_alert_says_what_to_do_in_the_documentation() -> None:
    text = (BASE_DIR / "docs" / "operations.md").read_text()
    titles = {title.lower() for title in re.findall(r"^#+ (Postbacks\w+)$", text, re.MULTILINE)}
    assert titles == {rule["alert"].lower() for rule in rules()}
    for rule in rules():
        address, _, heading = rule["annotations"]["runbook_url"].partition("#")
        assert (address, heading) == ("https://docs.postbacks.example/operations.html", rule["alert"].lower())
        assert rule["labels"]["severity"] in {"critical", "warning"}
