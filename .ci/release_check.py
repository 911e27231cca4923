"""Builds the release from the committed files, twice, and tries the wheel in an empty environment.

Run by `make release-check`, with a Python that has `build`, `hatchling` and `twine`. docs/releasing.md says what for.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"


def main() -> int:
    """Print what was found; return the exit status."""
    if run("git", "status", "--porcelain", cwd=ROOT):
        print("There are changes that are not committed. The release is what is committed.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        first, second = (build(Path(scratch) / name) for name in ("first", "second"))
        if hashes(first) != hashes(second):
            print(f"Two builds differ: {hashes(first)}, {hashes(second)}", file=sys.stderr)
            return 1
        files = sorted(str(path) for path in first.iterdir())
        print(run(sys.executable, "-m", "twine", "check", "--strict", *files))
        installed = try_out(next(first.glob("*.whl")), Path(scratch))
        DIST.mkdir(exist_ok=True)
        for path in first.iterdir():
            shutil.copy(path, DIST)
        print(f"Version {installed} runs. In dist/:")
        print("\n".join(f"{digest}  {name}" for name, digest in hashes(first).items()))
    return 0


def build(folder: Path) -> Path:
    """Build the source archive, and the wheel from it; return the folder that holds them."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    committed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(committed)) as archive:
        archive.extractall(tree, filter="data")
    built = folder / "built"
    time = run("git", "log", "-1", "--format=%ct", cwd=ROOT).strip()
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(tree)),
        env={**os.environ, "SOURCE_DATE_EPOCH": time},
    )
    return built


def try_out(wheel: Path, scratch: Path) -> str:
    """Install the wheel with the locked packages, run it in an empty folder, and return its version."""
    environment, folder = scratch / "environment", scratch / "folder"
    folder.mkdir()
    venv.create(environment, with_pip=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    run(*pip, "--require-hashes", "--requirement", str(ROOT / "requirements.txt"))
    run(*pip, "--no-deps", "--no-index", str(wheel))
    run(*pip[:-2], "check")
    program = str(environment / "bin" / "partner-postbacks")
    run(program, "check", cwd=folder)
    return str(json.loads(run(program, "version", "--json", cwd=folder))["version"])


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def run(*command: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Return what the command prints; if it fails, show all of it and exit."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
