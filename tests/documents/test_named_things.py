"""What the documents say is there: commands and their options, files, headings that links lead to, the index."""

from __future__ import annotations

import re
from argparse import ArgumentParser

from django.core.management import get_commands, load_command_class

from environment.variables import BASE_DIR
from tests.support.documents import DOCUMENTS, anchors, code_of, without_code


def test_every_command_and_option_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (BASE_DIR / "Makefile").read_text(), re.MULTILINE))
    known = get_commands()
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for code in code_of(text):
            for target in re.findall(r"\bmake ([a-z][a-z-]*)", code):
                assert target in targets, f"{path.name}: make {target}"
            for command, rest in re.findall(r"manage\.py ([a-z_]+)([^|#`\n]*)", code):
                assert command in known, f"{path.name}: manage.py {command}"
                options = option_names(command)
                for option in re.findall(r"(?<=\s)--[a-z-]+", rest):
                    assert option in options, f"{path.name}: manage.py {command} {option}"


def option_names(command: str) -> set[str]:
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    parsers: list[ArgumentParser] = [parser]
    for action in parser._actions:
        if isinstance(action.choices, dict):  # What the command does is its first word, with options of its own.
            parsers += action.choices.values()
    return {option for each in parsers for action in each._actions for option in action.option_strings}


def test_every_link_in_the_documents_leads_somewhere() -> None:
    count = 0
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path)):
            if re.match(r"[a-z]+:", target):
                continue
            count += 1
            file, _, anchor = target.partition("#")
            found = (path.parent / file).resolve() if file else path
            assert found.exists(), f"{path.name}: {target}"
            assert BASE_DIR in found.parents, f"{path.name}: {target} is outside of the project"
            assert not anchor or anchor in anchors(found), f"{path.name}: {target} has no such heading"
    assert count > 10


def test_every_source_file_that_the_documents_name_exists() -> None:
    files = [str(file.relative_to(BASE_DIR)) for file in BASE_DIR.glob("*/**/*.py") if ".venv" not in file.parts]
    files += [file.name for file in BASE_DIR.glob("*.py")]
    for path in DOCUMENTS:
        for name in re.findall(r"`([\w/]+\.py)`", path.read_text(encoding="utf-8")):
            assert any(file == name or file.endswith(f"/{name}") for file in files), f"{path.name}: {name}"
    contributing = (BASE_DIR / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = re.findall(r"^\| .*?`(\w[\w/]*/)`", contributing, re.MULTILINE)
    assert len(folders) > 10
    assert [folder for folder in folders if not (BASE_DIR / folder).is_dir()] == []


def test_the_index_lists_every_document() -> None:
    listed = re.findall(
        r"^- \[.+\]\((?!\.\./)(\S+\.md)\): .+", (BASE_DIR / "docs/README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(path.name for path in (BASE_DIR / "docs").glob("*.md") if path.name != "README.md")
