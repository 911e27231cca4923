"""`python benchmarks/template.py`: rendering and compiling templates, compared with Jinja2 and `str.format`.

Needs neither servers nor settings. Each figure is processor time, the median of several rounds, in which all candidates
take turns, so that other load on the machine affects them alike. Candidates that do the same work must give the same
text.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import jinja2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # So that it also runs by its path.

from actions.reports.parameters import sample_values
from postbacks.request.template import Place, compile_template

ROOT: Final = Path(__file__).resolve().parent.parent

ROUNDS: Final = 9
ROUND_SECONDS: Final = 0.04  # Long compared with the resolution of the clock, short enough to wait for.

OURS, JINJA_ENCODED, JINJA_BARE = "partner postbacks", "Jinja2, urlencode", "Jinja2, not encoded"
FORMAT_ENCODED, FORMAT_BARE = "format, quote", "format, not encoded"
CANDIDATES: Final = (OURS, JINJA_ENCODED, JINJA_BARE, FORMAT_ENCODED, FORMAT_BARE)

NAMES: Final = (
    *("CampaignId", "ActionTrackerId", "MediaPartnerId", "ActionId", "Status", "LockingDate"),
    *("Payout", "Amount", "SharedId", "CustomerCity", "Oid", "EventDate"),
)
ADDRESS: Final = "https://partner.example/in"
VALUES: Final = sample_values() | {
    "items": [{"sku": f"SKU {n}", "qty": str(n), "amt": f"{n}.50", "name": f"Größe {n}"} for n in range(1, 21)]
}

Work = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the table. `work` is by candidate; `goal_microseconds` is the target for ours."""

    name: str
    goal_microseconds: float | None
    work: Mapping[str, Work]


def url_task() -> Task:
    """A URL with twelve placeholders."""
    plain = ADDRESS + "?" + "&".join(f"p{number}={{{name}}}" for number, name in enumerate(NAMES))
    ours = compile_template(plain, Place.URL)
    bare = jinja2.Template(re.sub(r"\{(\w+)\}", r"{{ \1 }}", plain), autoescape=False)
    encoded = jinja2.Template(re.sub(r"\{(\w+)\}", r"{{ \1|urlencode }}", plain), autoescape=False)
    return Task(
        "URL, 12 values",
        10,
        {
            OURS: lambda: ours.render(VALUES),
            JINJA_ENCODED: lambda: encoded.render(VALUES),
            JINJA_BARE: lambda: bare.render(VALUES),
            FORMAT_ENCODED: lambda: plain.format(**{name: quote(VALUES[name], safe="") for name in NAMES}),
            FORMAT_BARE: lambda: plain.format_map(VALUES),
        },
    )


def join_task(attributes: tuple[str, ...], goal_microseconds: float | None) -> Task:
    """A join over twenty items with these attributes of each."""
    item = "&".join(f"{name}{{i}}={{i.{name}}}" for name in attributes)
    ours = compile_template(f"{ADDRESS}{{join(items, i, '{item}', '&', '?')}}", Place.URL)

    def with_jinja(write: str) -> jinja2.Template:
        each = "&".join(f"{name}{{{{ loop.index }}}}={{{{ i.{name}{write} }}}}" for name in attributes)
        between = "{{ '?' if loop.first else '&' }}"
        source = f"{ADDRESS}{{% for i in items %}}{between}{each}{{% endfor %}}"
        template: jinja2.Template = jinja2.Template(source, autoescape=False)
        return template

    encoded, bare = with_jinja("|urlencode"), with_jinja("")
    plain = "&".join(f"{name}{{0}}={{{number}}}" for number, name in enumerate(attributes, 1))

    def with_format(write: Callable[[str], str]) -> str:
        items = enumerate(VALUES["items"], 1)
        lines = [plain.format(number, *[write(each[name]) for name in attributes]) for number, each in items]
        return f"{ADDRESS}?{'&'.join(lines)}"

    return Task(
        f"join, 20 items of {len(attributes)} value{'s' if len(attributes) > 1 else ''}",
        goal_microseconds,
        {
            OURS: lambda: ours.render(VALUES),
            JINJA_ENCODED: lambda: encoded.render(VALUES),
            JINJA_BARE: lambda: bare.render(VALUES),
            FORMAT_ENCODED: lambda: with_format(lambda value: quote(value, safe="")),
            FORMAT_BARE: lambda: with_format(str),
        },
    )


def compile_task() -> Task:
    """Compiling the URL with twelve placeholders. `str.format` has no such step."""
    plain = ADDRESS + "?" + "&".join(f"p{number}={{{name}}}" for number, name in enumerate(NAMES))
    for_jinja = re.sub(r"\{(\w+)\}", r"{{ \1|urlencode }}", plain)
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 -- it renders URLs, from our own sample values

    def ours() -> None:
        compile_template.__wrapped__(plain, Place.URL, frozenset())

    def jinja() -> None:
        environment.from_string(for_jinja)

    return Task("compile the URL", 1000, {OURS: ours, JINJA_ENCODED: jinja})


def check(task: Task) -> None:
    """Checks that candidates that do the same work give the same text."""
    for candidates in ((OURS, JINJA_ENCODED, FORMAT_ENCODED), (JINJA_BARE, FORMAT_BARE)):
        texts = {task.work[name]() for name in candidates if name in task.work}
        if len(texts) > 1:
            raise AssertionError(f"{task.name}: {candidates} differ: {texts}")


def measure(task: Task) -> dict[str, list[float]]:
    """The microseconds of one run, by candidate and round."""
    counts = {name: _runs_per_round(work) for name, work in task.work.items()}
    rounds: dict[str, list[float]] = {name: [] for name in task.work}
    for _ in range(ROUNDS):
        for name, work in task.work.items():
            rounds[name].append(_seconds(work, counts[name]) / counts[name] * 1e6)
    return rounds


def _runs_per_round(work: Work) -> int:
    count = 1
    while (seconds := _seconds(work, count)) < ROUND_SECONDS / 4:
        count *= 2
    return max(1, int(count * ROUND_SECONDS / seconds))


def _seconds(work: Work, count: int) -> float:
    started = time.thread_time()
    for _ in range(count):
        work()
    return time.thread_time() - started


def machine() -> dict[str, Any]:
    """The facts without which a figure means nothing."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 -- any git will do
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "cpu": model[1] if model else platform.processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "jinja2": jinja2.__version__,
        "commit": commit.stdout.strip(),
    }


def main() -> None:
    """Exits with 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description="Compare templates with Jinja2 and str.format.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    options = parser.parse_args()
    about = machine()
    print("  ".join(f"{name} {value}" for name, value in about.items()))
    print(f"microseconds of processor time, median of {ROUNDS} rounds\n")
    print(f"{'':<28}{''.join(f'{name:>21}' for name in CANDIDATES)}{'goal':>10}")
    results = []
    missed = False
    for task in (url_task(), join_task(("sku",), 40), join_task(("sku", "qty", "amt"), None), compile_task()):
        check(task)
        rounds = measure(task)
        medians = {name: statistics.median(each) for name, each in rounds.items()}
        reached = task.goal_microseconds is None or medians[OURS] <= task.goal_microseconds
        missed |= not reached
        cells = [f"{medians[name]:.1f}" if name in medians else "–" for name in CANDIDATES]  # noqa: RUF001 -- an en dash
        goal = "" if task.goal_microseconds is None else f"≤ {task.goal_microseconds:,}" + ("" if reached else " MISS")
        print(f"{task.name:<28}{''.join(f'{cell:>21}' for cell in cells)}{goal:>10}")
        results.append(
            {
                "task": task.name,
                "goal_microseconds": task.goal_microseconds,
                "reached": reached,
                "median_microseconds": medians,
                "rounds_microseconds": rounds,
            }
        )
    if options.json:
        options.json.write_text(json.dumps({"machine": about, "results": results}, indent=1), encoding="utf-8")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
