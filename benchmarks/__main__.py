"""`python -m benchmarks`: runs scenarios, prints the table and writes the JSON file."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from psycopg2.extensions import set_wait_callback
from psycopg2.extras import wait_select

from benchmarks import suite, surroundings
from benchmarks.results import Report


def main() -> None:
    """Exits with 1 if a scenario failed; a figure that misses its target does not count as a failure."""
    options = _options()
    if sys.platform != "linux":
        sys.exit("The benchmarks need Linux: epoll, prctl, /proc, and all addresses in 127.0.0.0/8.")
    try:
        scenarios = suite.chosen([name for name in options.only.split(",") if name], options.full)
        folder = surroundings.prepare()
    except (ValueError, surroundings.UnusableFolderError) as error:
        sys.exit(str(error))
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _leave)
    report = _measure(scenarios, options.full, options.json or _json_file(folder))
    sys.exit(1 if report.failed else 0)


def _measure(scenarios: list[suite.Scenario], full: bool, file: Path) -> Report:
    import django  # noqa: PLC0415 -- only now is the environment ready for the settings

    from devtools import embedded  # noqa: PLC0415

    began = datetime.now(UTC)
    report = Report()
    with embedded.services():
        django.setup()
        # Without it, Ctrl-C would wait for the running statement.
        set_wait_callback(wait_select)
        from benchmarks import rows  # noqa: PLC0415
        from benchmarks.machine import facts  # noqa: PLC0415

        rows.begin_afresh()
        about = facts()
        print("  ".join(f"{name} {value}" for name, value in about.items()), end="\n\n")
        try:
            suite.run(scenarios, full, report)
        finally:
            seconds = (datetime.now(UTC) - began).total_seconds()
            report.write(file, began=began, seconds=seconds, full=full, machine=about)
            print(f"\n{file}")
    return report


def _json_file(folder: Path) -> Path:
    return folder / f"results-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"


def _options() -> argparse.Namespace:
    names = "\n".join(f"  {s.name:<11} {s.asks}{' (long)' if s.long else ''}" for s in suite.SCENARIOS)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures the delivery engine with real processes, on its own embedded servers.",
        epilog=f"scenarios:\n{names}\n\nWith BENCH_KEEP=1, databases of millions of rows are kept for the next run.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--full",
        action="store_true",
        default=os.environ.get("BENCH") == "full",
        help="larger and longer; also BENCH=full",
    )
    parser.add_argument(
        "--only", default=os.environ.get("ONLY", ""), metavar="NAME,...", help="these scenarios; also ONLY=…"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go (default: the data folder)")
    return parser.parse_args()


def _leave(number: int, _frame: FrameType | None) -> None:
    """Exits as if by the signal, through all blocks that hold processes; a second signal is ignored."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    print("Stopping everything …", file=sys.stderr, flush=True)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
