"""The scenarios, and how they run one after another."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results import CannotRunError, Report


@dataclass(frozen=True, slots=True)
class Scenario:
    """A module of `benchmarks.scenarios`; a `long` one runs only with BENCH=full, or if named."""

    name: str
    asks: str
    long: bool = False


SCENARIOS = (
    Scenario("drain", "how fast a backlog drains, compared with bare libcurl and a task per delivery"),
    Scenario("costs", "what a delivery costs each thread, PostgreSQL and its disk", long=True),
    Scenario(
        "sizing", "what a report and a delivery cost, for manage.py size, and whether it predicts right", long=True
    ),
    Scenario("live", "how soon an event reaches its receiver"),
    Scenario("door", "how fast orders reported alone reach the receiver, compared with a door that only keeps them"),
    Scenario("answered", "what of the reports that were answered is lost or doubled when something is killed"),
    Scenario("intake", "how fast conversions are recorded, over HTTP and from a file"),
    Scenario("recording", "what recording takes of a processor, for a report alone and in groups"),
    Scenario("isolation", "how much destinations that hang slow down those that answer"),
    Scenario("rate", "whether Maximum Requests holds at the receiver"),
    Scenario("kill", "what is lost or repeated when worker processes are killed"),
    Scenario("faults", "what is lost, repeated, reordered or too fast while something fails", long=True),
    Scenario("hosts", "the same while links between hosts are slow, stall or are cut, and without beat", long=True),
    Scenario("scale", "how throughput grows with worker hosts where receivers are slow", long=True),
    Scenario("redis", "what a flush and a restart of Redis cost"),
    Scenario("postgres", "what a restart of PostgreSQL costs"),
    Scenario("replay", "what a replay costs, and how much it slows down live traffic"),
    Scenario("delays", "what waiting deliveries cost, and how punctual they are"),
    Scenario("statements", "how many statements a delivery takes"),
    Scenario("prune", "how much pruning slows down live traffic", long=True),
    Scenario("history", "how much finished deliveries slow down those that are due", long=True),
    Scenario("retention", "what partitions of attempts cost, and save, night by night", long=True),
    Scenario("log", "how long the pages of the delivery log and the dashboard take"),
    Scenario("memory", "whether a worker's memory grows", long=True),
)


def chosen(only: Sequence[str], full: bool) -> list[Scenario]:
    """The scenarios named in `only`, or all that belong to the run. Raises ValueError for an unknown name."""
    unknown = sorted(set(only) - {scenario.name for scenario in SCENARIOS})
    if unknown:
        names = ", ".join(scenario.name for scenario in SCENARIOS)
        raise ValueError(f"There is no scenario {', '.join(unknown)}. Choose from: {names}.")
    return [scenario for scenario in SCENARIOS if (scenario.name in only if only else full or not scenario.long)]


def run(scenarios: Sequence[Scenario], full: bool, report: Report) -> None:
    """Runs each to its end; one that fails does not stop the others."""
    report.head()
    for number, scenario in enumerate(scenarios, 1):
        _say(f"[{number}/{len(scenarios)}] {scenario.name}: {scenario.asks} …")
        began = time.monotonic()
        module = importlib.import_module(f"benchmarks.scenarios.{scenario.name}")
        try:
            for figure in module.figures(full):
                report.figure(scenario.name, figure)
        except CannotRunError as reason:
            report.not_run(scenario.name, str(reason), failed=False)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the other scenarios are still worth measuring.
            report.not_run(scenario.name, f"{type(error).__name__}: {error}", failed=True)
        _say(f"[{number}/{len(scenarios)}] {scenario.name}: {time.monotonic() - began:.0f} s")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
