"""`install.py`, by which make fills `.venv`: what it takes for whole, what it makes again, what it says."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import install
from environment.variables import BASE_DIR

MACHINE = "Python 3.13 on Linux, riscv64"
MUSL = "Python 3.13 on Linux with musl, x86_64"
NO_WHEEL = """ERROR: Could not find a version that satisfies the requirement pycurl==7.49.0 (from versions: none)
ERROR: No matching distribution found for pycurl==7.49.0
"""
BROKEN = """WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<pip.HTTPSConnection \
object at 0x7f81>: Failed to establish a new connection: [Errno 111] Connection refused')': /simple/amqp/
"""
RUNNING = ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    ("output", "machine", "said"),
    [
        (
            NO_WHEEL,
            MACHINE,
            rf"There is no wheel of pycurl==7\.49\.0 for {MACHINE}: use a platform that README.md names, .*\.",
        ),
        (NO_WHEEL, MUSL, rf"There is no wheel of pycurl==7\.49\.0 for {MUSL}: Alpine .* not supported.* Debian\."),
        (BROKEN, MACHINE, r"The packages could not be downloaded: [^<>]*Connection refused.* again\."),
        (
            BROKEN + NO_WHEEL.replace("pycurl==7.49.0", "amqp==5.4.2"),
            MUSL,
            r"The packages could not be downloaded: [^<>]*Connection refused.* again\.",
        ),
        (BROKEN + NO_WHEEL, MACHINE, r"There is no wheel of pycurl==7\.49\.0 .*"),
        ("ERROR: No space left on device\n", MACHINE, r"pip could not install .*\nERROR: No space left on device"),
    ],
)
def test_what_pip_says_becomes_a_sentence(output: str, machine: str, said: str) -> None:
    assert re.fullmatch(said, str(install.explain(output, machine)))


class Made:
    """Stands for making `.venv` and running pip, and counts both."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.venvs = 0
        self.installed: list[str] = []
        self.fails: BaseException | None = None

    def make_venv(self) -> None:
        self.venvs += 1
        install.INTERPRETER.parent.mkdir(parents=True, exist_ok=True)
        install.INTERPRETER.unlink(missing_ok=True)
        install.INTERPRETER.write_text(f"#!/bin/sh\necho {self.version}\n")
        install.INTERPRETER.chmod(0o700)
        install.INSTALLED.write_text("")

    def run_pip(self, requirements: Path) -> None:
        if self.fails:
            raise self.fails
        self.installed.append(str(requirements))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.chdir(tmp_path)
    made = Made(RUNNING)
    monkeypatch.setattr(install, "_make_venv", made.make_venv)
    monkeypatch.setattr(install, "_run_pip", made.run_pip)
    for name in ("small.txt", "large.txt"):
        Path(name).write_text(name)
    return made


def run(name: str = "small.txt", *, this_python: bool = False) -> None:
    install.install(Path(name), this_python=this_python)


@pytest.mark.worker
def test_what_is_there_is_not_installed_again(made: Made) -> None:
    run()
    run()
    run("large.txt")
    run()
    assert (made.venvs, made.installed) == (1, ["small.txt", "large.txt"])


@pytest.mark.worker
def test_a_changed_file_is_installed_and_what_may_not_agree_with_it_as_well(made: Made) -> None:
    run("small.txt")
    run("large.txt")
    old = Path("large.txt").read_text()
    Path("large.txt").write_text("other versions")
    Path("small.txt").write_text("other versions as well")
    run("small.txt")
    Path("large.txt").write_text(old)
    run("large.txt")
    assert (made.venvs, made.installed) == (1, ["small.txt", "large.txt", "small.txt", "large.txt"])


@pytest.mark.worker
def test_an_interrupted_installation_begins_again_with_a_new_venv(made: Made) -> None:
    run()
    made.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run("large.txt")
    made.fails = None
    run("large.txt")
    assert (made.venvs, made.installed) == (2, ["small.txt", "large.txt"])


@pytest.mark.worker
def test_what_worked_still_works_where_the_next_packages_cannot_be_fetched(made: Made) -> None:
    run()
    made.fails = install.NotFetchedError()
    with pytest.raises(install.InstallError):
        run("large.txt")
    run()
    assert (made.venvs, made.installed) == (1, ["small.txt"])


@pytest.mark.worker
def test_a_venv_whose_interpreter_is_gone_is_made_again(made: Made) -> None:
    run()
    install.INTERPRETER.unlink()
    install.INTERPRETER.symlink_to("/nowhere/python")
    run()
    install.INTERPRETER.write_text("#!/bin/sh\necho No module named pip >&2; exit 1\n")
    run()
    assert made.venvs == 3


@pytest.mark.worker
def test_another_version_is_replaced_only_where_one_is_named(made: Made) -> None:
    made.version = "3.9.1"
    run()
    run()
    assert made.venvs == 1
    made.version = RUNNING
    run(this_python=True)
    run(this_python=True)
    assert (made.venvs, made.installed) == (2, ["small.txt", "small.txt"])


def test_a_python_that_is_too_old_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(install, "OLDEST", (99, 0))
    kept = tmp_path / ".venv" / "kept"
    kept.parent.mkdir()
    kept.touch()
    Path("small.txt").touch()
    with pytest.raises(install.InstallError, match=r"Python 3\.11 or later is needed"):
        run()
    assert kept.exists()


@pytest.mark.worker
def test_without_python3_venv_one_sentence_says_so_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\nmkdir .venv\necho because ensurepip is not\necho available.\nexit 1\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    Path("small.txt").touch()
    with pytest.raises(install.InstallError, match=r"apt-get install python3\.\d+-venv$"):
        run()
    assert not Path(".venv").exists()


@pytest.mark.parametrize(
    ("listed", "variables"),
    [
        ("", {}),
        (
            """global.cert='/etc/ca.crt'
global.index-url='https://a.example/simple'
install.trusted-host='a.example b.example'
:env:.index-url='https://b.example/simple'
:env:.disable-pip-version-check='1'
""",
            {
                "SSL_CERT_FILE": "/etc/ca.crt",
                "UV_DEFAULT_INDEX": "https://b.example/simple",
                "UV_INSECURE_HOST": "a.example b.example",
            },
        ),
        ("global.find-links='\\n/opt/wheels\\n/mnt/wheels'\n", {"UV_FIND_LINKS": "/opt/wheels,/mnt/wheels"}),
        (":env:.compile='0'\n", {"UV_COMPILE_BYTECODE": "0"}),
    ],
)
def test_settings_of_pip_are_told_to_uv(listed: str, variables: dict[str, str]) -> None:
    assert install.variables_for_uv(listed) == {"UV_COMPILE_BYTECODE": "1", **variables}


def test_with_a_setting_that_uv_does_not_know_pip_installs() -> None:
    assert install.variables_for_uv("global.cert='/etc/ca.crt'\nglobal.client-cert='/etc/client.pem'\n") is None


UV = """
import os, pathlib, sys
pathlib.Path("said").write_text(repr((sys.argv[1:], os.environ["UV_NO_INDEX"], os.environ["UV_FIND_LINKS"])))
sys.exit(int(os.environ["UV_FAILS"]))
"""


@pytest.mark.parametrize("fails", [False, True], ids=["works", "fails"])
def test_pip_installs_what_uv_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, file, code in (("sample", "good.txt", ""), ("uv", install.UV.name, UV)):
        (tmp_path / file).write_text(f"{name}==1 --hash=sha256:{build_wheel(wheels, 'py3-none-any', name, code)}\n")
    monkeypatch.setenv("UV_FAILS", str(int(fails)))
    assert run_script(tmp_path, "good.txt") == (0, "Installing the packages of good.txt into .venv …\n")

    python = str(Path(".venv", "bin", "python"))
    asked = ["pip", "install", "--python", python, "--require-hashes", "--only-binary", ":all:", "--requirement"]
    assert ast.literal_eval((tmp_path / "said").read_text()) == ([*asked, "good.txt"], "1", str(wheels))
    names = ("sample", "uv")
    found = [subprocess.run([python, "-c", f"import {each}"], cwd=tmp_path, check=False).returncode for each in names]
    assert found == [0 if fails else 1, 1], "by pip, and uv is not left there"


def test_from_an_unfinished_venv_to_a_package_that_runs(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    digest = build_wheel(tmp_path / "wheels", "py3-none-any")
    build_wheel(tmp_path / "wheels", "py3-none-win32", name="elsewhere")
    build_wheel(tmp_path / "wheels", "py3-none-any", name="tampered")
    (tmp_path / "good.txt").write_text(f"sample==1 --hash=sha256:{digest}\n")
    (tmp_path / "bad.txt").write_text(f"tampered==1 --hash=sha256:{'0' * 64}\n")
    (tmp_path / "elsewhere.txt").write_text(f"elsewhere==1 --hash=sha256:{digest}\n")

    # As Debian leaves it without python3-venv: an interpreter, and no pip.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=tmp_path, check=True)
    code, said = run_script(tmp_path, "good.txt")
    assert (code, said.splitlines()[0]) == (0, "Creating .venv again: it is unfinished, or belongs to another Python.")
    python = str(tmp_path / ".venv" / "bin" / "python")
    assert subprocess.run([python, "-c", "import sample"], check=False).returncode == 0
    assert run_script(tmp_path, "good.txt") == (0, "")

    code, said = run_script(tmp_path, "elsewhere.txt")
    assert code == 1
    assert "There is no wheel of elsewhere==1 for Python 3." in said.splitlines()[-1]
    assert len(said.splitlines()) == 2, "what is installed, and one sentence"

    code, said = run_script(tmp_path, "bad.txt")
    assert code == 1
    assert "DO NOT MATCH THE HASHES" in said


def run_script(folder: Path, name: str) -> tuple[int, str]:
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels"), "PIP_NO_CACHE_DIR": "1"}
    command = [sys.executable, str(BASE_DIR / "install.py"), name]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def build_wheel(folder: Path, tag: str, name: str = "sample", code: str = "") -> str:
    """Write a wheel of one module; return its hash."""
    path, about = folder / f"{name}-1-{tag}.whl", f"{name}-1.dist-info"
    files = {
        f"{name}.py": code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
        digests = {file: hashlib.sha256(text.encode()).digest() for file, text in files.items()}
        record = [f"{file},sha256={base64.urlsafe_b64encode(it).decode()}," for file, it in digests.items()]
        wheel.writestr(f"{about}/RECORD", "\n".join([*record, f"{about}/RECORD,,", ""]))
    return hashlib.sha256(path.read_bytes()).hexdigest()
