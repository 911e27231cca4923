"""Runs the few tests that failed once more, alone: `.ci/once_more.py FILE`, as tests.support.outcomes has written it.

A test that waits for a program or a page can fail because all the others keep the machine busy. Then it passes here and
is named, because it is to be repaired, and the run passes. What fails again fails the run, and so does anything that is
no failure of a test, such as a file that cannot be collected or a process that crashed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.outcomes import Outcomes

# More than these are no accident of a busy machine.
MOST = 5
_TESTS_FAILED = 1  # The status with which pytest says that all tests ran and some failed.


def why_not(run: Outcomes) -> str | None:
    """Why the failed tests of `run` are not to be run again; None if they are."""
    if run.broken:
        return "\n".join(run.broken)
    if run.status != _TESTS_FAILED:
        return f"pytest ended with status {run.status}."
    if not run.failed:
        return "No test failed, so it is not known what went wrong."
    if len(run.failed) > MOST:
        return f"{len(run.failed)} tests failed."
    return None


def passed_alone(run: Outcomes, again: Outcomes) -> bool:
    """Whether each test that failed in `run` was run `again` and passed. One that is skipped now has not."""
    return again.status == 0 and not again.broken and not again.failed and again.passed == run.failed


def main(file: Path) -> int:
    try:
        run = Outcomes.read(file)
    except (OSError, ValueError) as error:
        print(f"The tests have not come to their end: {error}", file=sys.stderr)
        return 1
    reason = why_not(run)
    if reason is not None:
        print(f"The tests that failed are not run again. {reason}", file=sys.stderr)
        return 1
    failed = sorted(run.failed)
    print(f"\nOnce more, alone: {', '.join(failed)}", flush=True)
    if not passed_alone(run, _run(failed)):
        return 1
    print("\nPassed only when run alone; please repair them, they depend on what runs beside them:")
    print("".join(f"    {each}\n" for each in failed), end="", flush=True)
    return 0


def _run(tests: list[str]) -> Outcomes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "again.json"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "tests.support.outcomes", f"--outcomes={file}", *tests],
            check=False,
        )
        return Outcomes.read(file)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
