"""Check whether a locked runtime package is known to be vulnerable, by the advisories of PyPI. Fails if one is.

If the advisories cannot be reached, it says so and does not fail: a missing network does not make the packages worse.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# All that a deployment may have.
REQUIREMENTS = (ROOT / "requirements-embedded.txt", ROOT / "requirements-telemetry.txt")
SECONDS = 180


def main() -> int:
    """Print the vulnerable packages; return the exit status."""
    packages = audited()
    looked_up = [package for package in packages if "skip_reason" not in package]
    if not looked_up:
        print("pip-audit: skipped, the advisories could not be reached.")
        return 0
    vulnerable = [package for package in looked_up if package["vulns"]]
    for package in vulnerable:
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}")
    print(f"pip-audit: {len(vulnerable)} of {len(looked_up)} packages vulnerable.")
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown:
        print(f"pip-audit: not looked up: {', '.join(unknown)}")
    return 1 if vulnerable else 0


def audited() -> list[dict[str, Any]]:
    """Return the packages with their known vulnerabilities; none if pip-audit could not work."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip"]
    command += [each for file in REQUIREMENTS for each in ("--requirement", str(file))]
    command += ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return []
    return found


if __name__ == "__main__":
    sys.exit(main())
