"""Check that every locked package has a wheel for every supported platform and Python. Fails if one has none.

Run it with `make wheels`, which installs uv: uv picks wheels for other machines than this one.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FILES = (
    "requirements.txt",
    "requirements-telemetry.txt",
    "requirements-embedded.txt",
    "requirements-dev.txt",
    "requirements-docs.txt",
    "requirements-install.txt",
)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# Debian 12 has glibc 2.36 and is the oldest supported release. For a Mac, uv assumes macOS 13.
PLATFORMS = {
    "Linux x86-64 (glibc 2.36)": "x86_64-manylinux_2_36",
    "Linux aarch64 (glibc 2.36)": "aarch64-manylinux_2_36",
    "macOS arm64": "aarch64-apple-darwin",
}
# They wait for the package index, not for each other.
AT_ONCE = 8
# Matches all wordings of `Because pycurl==7.49.0 has no wheels with a matching … tag`.
WITHOUT_WHEEL = re.compile(r"Because ([\w.-]+)==(\S+) has no ")


def main() -> int:
    """Print a line for each file, platform and Python; return the exit status."""
    root = Path(__file__).parent.parent
    cases = list(itertools.product(FILES, PLATFORMS, PYTHONS))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda case: without_wheel((root / case[0]).read_text(), PLATFORMS[case[1]], case[2]), cases)
        bad = 0
        for (name, platform, python), missing in zip(cases, found, strict=True):
            bad += bool(missing)
            said = f"no wheel of {', '.join(missing)}" if missing else "all"
            print(f"{name}, {platform}, Python {python}: {said}", flush=True)
    print(f"Every package has a wheel in {len(cases) - bad} of {len(cases)} cases.")
    return 1 if bad else 0


def without_wheel(locked: str, target: str, python: str) -> list[str]:
    """Return the packages in the requirements text `locked` that have no wheel. The solver names one at a time."""
    missing: list[str] = []
    while True:
        said = solve(locked, target, python)
        if said is None:
            return missing
        found = WITHOUT_WHEEL.search(said)
        if found is None or found[1] in missing:
            raise SystemExit(f"uv could not look up the packages:\n{said}")
        missing.append(found[1])
        # Its line and its hashes.
        locked = re.sub(rf"^{re.escape(found[1])}==(.*\\\n)*.*\n", "", locked, flags=re.MULTILINE)


def solve(locked: str, target: str, python: str) -> str | None:
    """Return uv's complaint, or None if it finds a wheel of every package whose marker applies."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--only-binary", ":all:"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(locked)
        command += ["--python-version", python, "--python-platform", target, str(file), "--output-file", "/dev/null"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return " ".join(done.stderr.split()) if done.returncode else None


if __name__ == "__main__":
    sys.exit(main())
