"""docs/commands.md and the completion of shells, which are made of the commands' parsers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from commands.described import Described, all_commands
from commands.exit_codes import ExitCode
from commands.reference import reference
from commands.shells import SHELLS, script
from environment.variables import BASE_DIR


@pytest.fixture(scope="module")
def found() -> list[Described]:
    return all_commands()


def test_the_page_is_the_one_that_the_command_prints() -> None:
    written = (BASE_DIR / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == reference(), "python manage.py command_reference > docs/commands.md"


def test_each_exit_code_is_on_the_page() -> None:
    page = reference()
    for code in ExitCode:
        assert f"| {code.value} | {code.meaning} |" in page


def complete(script_file: Path, *lines: str) -> list[str]:
    """What bash offers for the last word of each line."""
    asked = "\n".join(
        f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _partner_postbacks; echo ${{COMPREPLY[@]}}"
        for line in lines
    )
    done = subprocess.run(
        ["bash", "-c", f"source {script_file}\n{asked}"],
        cwd=script_file.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_completes_every_command_and_every_option(found: list[Described], tmp_path: Path) -> None:
    file = tmp_path / "completion"
    file.write_text(script("bash", found))
    plain = [each for each in found if not each.parts]
    names, *options = complete(file, "partner-postbacks ''", *(f"partner-postbacks {each.name} --" for each in plain))
    assert set(names.split()) == {"help", *(each.name for each in found)}
    for each, offered in zip(plain, options, strict=True):
        expected = {name for option in (*each.own, *each.shared) for name in option.names if name.startswith("--")}
        assert set(offered.split()) == expected, each.name


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("replay_actions --values ''", "as-sent current"),
        ("completion ''", "bash zsh fish"),
        ("partner_link ''", "create list token revoke"),
        ("partner_link create --em", "--email"),
        ("partner_link revoke --em", ""),
        ("load_config comp", "completion"),
        ("help docto", "doctor"),
    ],
)
def test_bash_completes_values_parts_and_files(found: list[Described], tmp_path: Path, line: str, offered: str) -> None:
    file = tmp_path / "completion"
    file.write_text(script("bash", found))
    assert complete(file, f"partner-postbacks {line}") == [offered]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_understands_its_script(found: list[Described], tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "completion"
    file.write_text(script(shell, found))
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_options_with_what_they_mean(found: list[Described], tmp_path: Path) -> None:
    file = tmp_path / "completion"
    file.write_text(script("fish", found))
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {file}; complete -C 'partner-postbacks replay_actions --fail'"],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout == "--failed-only\tonly events that have failed since they were last delivered\n"


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_from_a_file_each_time(found: list[Described], tmp_path: Path) -> None:
    """The first time the file defines the function and calls it; later it is the function."""
    (tmp_path / "_partner-postbacks").write_text(script("zsh", found))
    lines = (
        f"fpath=({tmp_path} $fpath); autoload -U _partner-postbacks",
        "_arguments() { echo asked }; compdef() { echo registered }",
        "_partner-postbacks; _partner-postbacks",
    )
    done = subprocess.run(["zsh", "-f", "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout == "asked\nasked\n"
