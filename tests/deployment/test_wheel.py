"""The wheel: what is in it, and that it runs in an environment and a folder that know nothing of a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.management import get_commands

from environment.variables import BASE_DIR
from postbacks import __version__

NOT_SHIPPED = {"benchmarks", "tests"}
PACKAGES = {path.parent.name for path in BASE_DIR.glob("*/__init__.py")} - NOT_SHIPPED


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # The running interpreter has the build backend; with isolation it would be downloaded.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(BASE_DIR)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of an environment with the wheel; its dependencies are those of the running interpreter."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    programs = folder / "bin"
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    command = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--no-deps", "--no-index"]
    subprocess.run([*command, str(wheel)], capture_output=True, check=True)
    return programs


def run(folder: Path, *command: str | Path) -> str:
    """What `command` prints, started in `folder` without any setting."""
    settings = ("DATABASE", "DJANGO", "POSTBACKS_", "PYTHONPATH", "REDIS_URL", "SECRET_KEY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    expected = {
        str(path.relative_to(BASE_DIR))
        for package in PACKAGES
        for path in (BASE_DIR / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected
    suffixes = {Path(name).suffix for name in names}
    assert {".py", ".html", ".css", ".js", ".yaml"} <= suffixes, "templates, static files and the demo's program"


def test_it_has_the_version_of_the_code(wheel: Path) -> None:
    (found,) = metadata.distributions(path=[str(wheel)])
    assert (found.name, found.version) == ("partner-postbacks", __version__)


def test_its_script_has_every_command(installed: Path, tmp_path: Path) -> None:
    listed = run(tmp_path, installed / "partner-postbacks", "help", "--commands").split()
    assert set(listed) == set(get_commands())


def test_it_runs_from_any_folder_and_keeps_its_data_there(installed: Path, tmp_path: Path) -> None:
    where = run(tmp_path, installed / "python", "-c", "import config; print(config.__file__)")
    assert Path(where).is_relative_to(installed.parent)

    assert run(tmp_path, installed / "partner-postbacks", "check").startswith("System check identified no issues")

    assert (tmp_path / "var" / "secret-key").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


def test_a_folder_s_env_file_is_read(installed: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTBACKS_DATA_DIR=elsewhere\n")
    run(tmp_path, installed / "partner-postbacks", "check")
    assert (tmp_path / "elsewhere" / "secret-key").exists()


def test_the_web_of_a_package_can_be_started(installed: Path, tmp_path: Path) -> None:
    assert "--processes" in run(tmp_path, installed / "python", "-m", "front", "--help")
