"""deploy/grafana/postbacks.json: its queries name what is exported, and Prometheus reads them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from environment.variables import BASE_DIR
from tests.operations.test_metrics import FAMILIES

FILE = BASE_DIR / "deploy" / "grafana" / "postbacks.json"
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}
# Each series with the labels by which it may be chosen or grouped; those of buckets are of no other series.
SERIES = {
    f"{name}{suffix}": labels - ({"le"} if suffix in ("_sum", "_count") else set())
    for name, (kind, labels) in FAMILIES.items()
    for suffix in SUFFIXES[kind]
}
# Series of which others tell the same, or which belong to a page of their own.
NOT_SHOWN = {
    "postbacks_postback_deliveries_total",
}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FILE.read_text())
    return loaded


def queries(dashboard: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Of each query the panel, the expression and the legend."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"], target["legendFormat"]


def test_every_query_names_what_is_exported(dashboard: dict[str, Any]) -> None:
    for panel, expression, legend in queries(dashboard):
        named = re.findall(r"\b(postbacks_\w+)(?:\{([^}]*)\})?", expression)
        assert named, panel
        of_all = set.intersection(*(SERIES[name] for name, _ in named))
        for name, chosen in named:
            assert set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', chosen)) <= SERIES[name], panel
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            assert set(re.split(r",\s*", grouped)) <= of_all, panel
        assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= of_all, panel


def test_every_metric_is_shown(dashboard: dict[str, Any]) -> None:
    shown = {name for _, expression, _ in queries(dashboard) for name in re.findall(r"\bpostbacks_\w+", expression)}
    assert SERIES.keys() - shown - NOT_SHOWN == set()
    assert SERIES.keys() - shown >= NOT_SHOWN


def test_panels_have_places_and_ids_of_their_own(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    covered = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(covered)) == len(covered), "no two overlap"
    assert max(x for x, _ in covered) < 24
    # Whoever imports it chooses the source.
    sources = [target["datasource"]["uid"] for panel in panels for target in panel.get("targets", ())]
    assert set(sources) == {"${datasource}"}
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    assert set(re.findall(r"\$(\w+)", json.dumps(panels))) <= {*variables, "__rate_interval"}
    assert variables["postback"]["definition"] == "label_values(postbacks_postback_attempts_total, name)"


@pytest.mark.worker
def test_prometheus_reads_every_query(dashboard: dict[str, Any], tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    rules = [
        {"record": f"query:{number}", "expr": expression.replace("$__rate_interval", "1m").replace("$postback", ".*")}
        for number, (_, expression, _) in enumerate(queries(dashboard))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
