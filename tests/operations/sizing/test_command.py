"""`manage.py size`, and the costs it reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

from operations.sizing.costs import MEASURED, NAMES, UnreadableCostsError, read


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("size", *arguments, stdout=out)
    return out.getvalue()


def results(folder: Path, **costs: float) -> Path:
    """A results file of the benchmark with these figures of its scenario."""
    entries: list[dict[str, Any]] = [{"scenario": "drain", "what": "report_web_ms", "value": 9.0}]
    entries += [{"scenario": "sizing", "what": name, "value": value} for name, value in costs.items()]
    file = folder / "results.json"
    file.write_bytes(orjson.dumps({"results": entries}))
    return file


def test_says_what_is_needed(settings: Any) -> None:
    settings.ACTIONS_KEPT_DAYS = 0
    text = said("--events-per-day", "10,000,000", "--postbacks", "3", "--database-cores", "1")

    assert "115.7 a second on average, 926 at the peak" in text
    assert "events kept forever" in text
    assert "one PostgreSQL server with 1 cores is not enough" in text


def test_json_holds_load_costs_and_size() -> None:
    document = json.loads(said("--events-per-day", "1000000", "--json"))

    assert document["costs"] == asdict(MEASURED)
    assert document["load"]["postbacks"] == 1.0
    assert document["size"]["events_per_second"] == pytest.approx(11.574, abs=0.001)


def test_costs_measured_elsewhere_are_used(tmp_path: Path) -> None:
    measured = {name: float(number) for number, name in enumerate(NAMES, 1)}
    file = results(tmp_path, **measured)

    assert asdict(read(file)) == measured
    document = json.loads(said("--events-per-day", "1000000", "--costs", str(file), "--json"))
    assert document["costs"] == measured


def test_a_file_without_costs_is_refused(tmp_path: Path) -> None:
    file = results(tmp_path, report_web_ms=1.0)
    with pytest.raises(CommandError, match=r"lacks report_postgres_ms, .* make bench ONLY=sizing"):
        said("--events-per-day", "1", "--costs", str(file))

    file.write_text("[]")
    with pytest.raises(UnreadableCostsError, match="no list `results`"):
        read(file)
    file.write_text("nonsense")
    with pytest.raises(UnreadableCostsError, match="is not JSON"):
        read(file)
    with pytest.raises(UnreadableCostsError, match="No such file"):
        read(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("option", "value", "refusal"),
    [
        ("--events-per-day", "0", "is not above 0"),
        ("--events-per-day", "-5", "is not above 0"),
        ("--events-per-day", "nan", "is not above 0"),
        ("--events-per-day", "inf", "is not above 0"),
        ("--events-per-day", "many", "is not a number"),
        ("--peak", "0.5", "is below 1"),
        ("--database-cores", "1.5", "is not a whole number"),
    ],
)
def test_nonsense_is_refused(option: str, value: str, refusal: str) -> None:
    with pytest.raises(CommandError, match=refusal):
        said("--events-per-day=5", f"{option}={value}")
