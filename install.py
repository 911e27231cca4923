"""Install a requirements file's packages into `.venv`: `python3 install.py requirements-embedded.txt`. make calls it.

It runs before anything is installed, so it needs only Python, and an older Python than it requires can still parse it.

uv installs in a fifth of the time that pip takes, so pip fetches uv first, into a folder that is removed afterwards.
Whatever keeps uv from its work, such as a package index that is set up in a way that uv does not know, pip installs.

`.venv/.installed` lists the requirements files whose packages are installed, with the hash of each file. It is absent
during an installation. A `.venv` without it was interrupted, and is created again.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

OLDEST = (3, 11)
VENV = Path(".venv")
INTERPRETER = VENV / "bin" / "python"
INSTALLED = VENV / ".installed"
UV = Path("requirements-install.txt")
QUIETLY = ("--quiet", "--no-input", "--disable-pip-version-check")
# Building from source would need compilers and run code that no hash covers.
LOCKED = ("--require-hashes", "--only-binary", ":all:", "--requirement")
# What uv calls pip's settings. With any other one, pip installs.
VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "compile": "UV_COMPILE_BYTECODE",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "index-url": "UV_DEFAULT_INDEX",
    "no-cache-dir": "UV_NO_CACHE",
    "no-index": "UV_NO_INDEX",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "trusted-host": "UV_INSECURE_HOST",
}
NOTHING_TO_UV = {"disable-pip-version-check", "no-input", "progress-bar", "root-user-action"}
CONFIGURED = re.compile(r"^[^.]+\.([\w-]+)=(.*)$", re.MULTILINE)
# Imports pip too: an unfinished venv has an interpreter and no pip, and so has one whose Python was replaced by a newer
# one.
PROBE = "import sys, pip; print('.'.join(map(str, sys.version_info[:3])))"
NOT_FOUND = re.compile(r"No matching distribution found for (([\w.-]+)[^\s;]*)")
# If pip cannot reach an index, it says that it found no package there. Only its warnings give the cause.
UNREACHABLE = re.compile(r"connection broken by '(.*)': (/\S*)")
# Python's name and address of the failed object, inside the cause.
OBJECT = re.compile(r"<[^<>]*>[:,] ")
# Debian's message has a line break after it.
NO_ENSUREPIP = "ensurepip is not"


class InstallError(Exception):
    """The packages cannot be installed; the message says why and what to do."""


class NotFetchedError(InstallError):
    """pip could not get a package. It fetches all of them before it installs one, so `.venv` is as it was."""


def main() -> int:
    """Install what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description="Install the packages of a requirements file into .venv.")
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--this-python", action="store_true", help="replace a .venv of another version of Python")
    given = parser.parse_args()
    try:
        install(given.requirements, this_python=given.this_python)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error}. Check that you own this folder and its .venv, and that the disk has space.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def install(requirements: Path, *, this_python: bool) -> None:
    """Make `.venv` contain the packages of `requirements`; do nothing if it already does.

    With `this_python`, a `.venv` of another version than the running one is replaced. Raises `InstallError`.
    """
    wanted = _digest(requirements)
    running = ".".join(map(str, sys.version_info[:3]))
    found = _version() if INSTALLED.exists() else None
    if found is None or (this_python and found != running):
        _make_venv()
    before = INSTALLED.read_text()
    have = dict(line.partition(" ")[::2] for line in before.splitlines())
    if have.get(requirements.name) == wanted:
        return
    print(f"Installing the packages of {requirements} into .venv …", flush=True)
    INSTALLED.unlink()
    try:
        if not _run_uv(requirements):
            _run_pip(requirements)
    except NotFetchedError:
        INSTALLED.write_text(before)
        raise
    # All files agree in their versions. One that has changed since may not agree with this one.
    still = {name: digest for name, digest in have.items() if Path(name).exists() and _digest(Path(name)) == digest}
    still[requirements.name] = wanted
    INSTALLED.write_text("".join(f"{name} {digest}\n" for name, digest in still.items()))


def explain(output: str, machine: str) -> InstallError:
    """Return the error for what pip has said on `machine`; known causes are one sentence."""
    not_found = NOT_FOUND.search(output)
    broken = UNREACHABLE.findall(output)
    # An earlier connection may have been broken for a moment; the one that asked for the missing package counts.
    if broken and (not_found is None or f"/{not_found[2]}/" in broken[-1][1]):
        return NotFetchedError(
            f"The packages could not be downloaded: {OBJECT.sub('', broken[-1][0])}. Check the network and the "
            "settings of a proxy or mirror (HTTPS_PROXY, PIP_INDEX_URL, PIP_CERT), then run the same command again."
        )
    if not_found and "musl" in machine:
        return NotFetchedError(
            f"There is no wheel of {not_found[1]} for {machine}: Alpine and other systems with musl are not supported, "
            "so use one with glibc, such as Debian."
        )
    if not_found:
        return NotFetchedError(
            f"There is no wheel of {not_found[1]} for {machine}: use a platform that README.md names, or name "
            "another Python, such as PYTHON=python3.12."
        )
    return InstallError(f"pip could not install the packages:\n{output.strip()}")


def _version() -> str | None:
    """Return the version of the interpreter in `.venv`; None if it does not run."""
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter
            [str(INTERPRETER), "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _make_venv() -> None:
    if sys.version_info < OLDEST:
        raise InstallError(
            f"Python 3.11 or later is needed, and {sys.executable} is {platform.python_version()}. Name one that is "
            "installed, such as: make up PYTHON=python3.12"
        )
    if VENV.is_symlink() or VENV.exists():
        print("Creating .venv again: it is unfinished, or belongs to another Python.", flush=True)
        _remove_venv()
    try:
        made = subprocess.run(  # noqa: S603 -- the interpreter that runs this
            [sys.executable, "-m", "venv", str(VENV)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except BaseException:
        _remove_venv()
        raise
    if made.returncode:
        _remove_venv()
        if NO_ENSUREPIP in made.stdout:
            package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
            raise InstallError(
                f"{sys.executable} cannot create virtual environments. On Debian and Ubuntu, as root: "
                f"apt-get install {package}"
            )
        raise InstallError(f"The virtual environment .venv could not be created:\n{made.stdout.strip()}")
    INSTALLED.touch()


def _remove_venv() -> None:
    try:
        if VENV.is_symlink():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
    except OSError as error:
        raise InstallError(f"{VENV.resolve()} cannot be removed: {error}. Remove it, then try again.") from error


def variables_for_uv(listed: str) -> dict[str, str] | None:
    """Return what pip's settings, as `pip config list` prints them, are for uv; None if uv does not know one.

    Those of the environment come last, and count. Modules are compiled as by pip: who runs them may not write there.
    """
    found = {"UV_COMPILE_BYTECODE": "1"}
    for name, value in CONFIGURED.findall(listed):
        if name in VARIABLES:
            # pip separates several by blanks, and uv links to wheels by commas.
            several = "," if name == "find-links" else " "
            found[VARIABLES[name]] = several.join(ast.literal_eval(value).split())
        elif name not in NOTHING_TO_UV:
            return None
    return found


def _run_uv(requirements: Path) -> bool:
    """Install the packages, and return whether that worked. uv fetches all of them before it installs one."""
    variables = variables_for_uv(_pip("config", "list").stdout)
    if variables is None or not UV.exists():
        return False
    with tempfile.TemporaryDirectory() as folder:
        if _pip("install", *QUIETLY, "--retries", "1", "--target", folder, *LOCKED, str(UV)).returncode:
            return False
        command = [str(INTERPRETER), "-m", "uv", "pip", "install", "--python", str(INTERPRETER), *LOCKED]
        done = subprocess.run(  # noqa: S603 -- our own command
            [*command, str(requirements)],
            env={**variables, **os.environ, "PYTHONPATH": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    return done.returncode == 0


def _run_pip(requirements: Path) -> None:
    done = _pip("install", *QUIETLY, *LOCKED, str(requirements))
    if done.returncode:
        raise explain(done.stdout, _machine())


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own command
        [str(INTERPRETER), "-m", "pip", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _machine() -> str:
    """Return Python, system and architecture in a few words."""
    build = str(sysconfig.get_config_var("HOST_GNU_TYPE") or "")
    libc = " with musl" if "musl" in build else ""
    return f"Python {sys.version_info[0]}.{sys.version_info[1]} on {platform.system()}{libc}, {platform.machine()}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
