"""What the documents promise: the README's tutorial works as shown, commands and files exist, links lead somewhere."""

from __future__ import annotations

import io
import re
import shlex
from argparse import ArgumentParser
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command, get_commands, load_command_class
from django.test import override_settings

from environment.variables import BASE_DIR
from postbacks.models import Attempt, Delivery, Postback
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, ScriptedReceiver
from tests.support.workers import running_workers

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [*sorted(BASE_DIR.glob("*.md")), *sorted((BASE_DIR / "docs").glob("*.md"))]
RECEIVER = "127.0.0.1:8001"
ARRIVALS = 7  # Of the example's five reports: two partners with two each, and three new orders for the network.

Texts = list[str]


@dataclass(frozen=True)
class Shown:
    """A command in a console block, with the lines that the README shows below it."""

    words: Texts
    lines: Texts


def shown_commands() -> list[Shown]:
    shown: list[Shown] = []
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                shown.append(Shown(shlex.split(line[2:]), []))
            else:
                shown[-1].lines.append(line)
    return shown


def walk_of(command: str) -> list[Shown]:
    """Return the uses of a `manage.py` command in the tutorial."""
    found = [shown for shown in shown_commands() if shown.words[:3] == ["python", "manage.py", command]]
    assert found, command
    return found


def run(shown: Shown, **replaced: str) -> Texts:
    """Return what the command prints, with some of its words replaced."""
    printed = io.StringIO()
    call_command(*(replaced.get(word, word) for word in shown.words[2:]), stdout=printed)
    return neutral(printed.getvalue().splitlines())


def neutral(lines: Texts) -> Texts:
    """Return the lines without what differs between runs: numbers of actions and postbacks, widths of columns."""
    return [re.sub(r"^ *\d+ {2}", "N  ", re.sub(r"5000\.5001\.\d+", "5000.5001.N", line)).strip() for line in lines]


def assert_shows(shown: Texts, printed: Texts) -> None:
    """Assert that every shown line was printed, in order; `…` stands for omitted lines."""
    rest = iter(printed)
    for line in neutral(shown):
        assert line == "…" or line in rest, f"not printed, or out of order: {line}\n{printed}"


@pytest.mark.django_db(transaction=True)
@override_settings(POSTBACKS_ALLOWED_NETWORKS=[ip_network("127.0.0.0/8")])
def test_the_walk_ends_with_the_postbacks_that_the_readme_shows(tmp_path: Path) -> None:
    first_load, second_load = walk_of("load_config")
    (import_actions,), (preview,) = walk_of("import_actions"), walk_of("preview_postback")
    with ScriptedReceiver() as receiver, running_workers():
        here = f"{receiver.host}:{receiver.port}"
        config = tmp_path / "config.yaml"
        config.write_text((BASE_DIR / "examples/config.yaml").read_text(encoding="utf-8").replace(RECEIVER, here))

        replaced = {
            "examples/config.yaml": str(config),
            "examples/actions.jsonl": str(BASE_DIR / "examples/actions.jsonl"),
        }
        assert_shows(first_load.lines, run(first_load, **replaced))
        assert_shows(second_load.lines, run(second_load, **replaced))
        assert run(import_actions, **replaced) == import_actions.lines
        receiver.wait_for(ARRIVALS, timeout=15)
        wait_until(lambda: not Delivery.objects.exclude(state="delivered").exists(), 10, "all are delivered")
        arrivals = receiver.arrivals

    assert len(arrivals) == Attempt.objects.count() == ARRIVALS
    assert {arrival.headers.get("X-Event") for arrival in arrivals if "penny" in arrival.path} == {
        "created",
        "reversed",
    }
    assert_shows_arrivals(arrivals)
    assert_shows_status()

    lantern = Postback.objects.get(media_source=5300)
    order = Delivery.objects.filter(postback=lantern).earliest("event_id").action
    printed = run(preview, **{preview.words[4]: str(lantern.pk), preview.words[6]: order.action_id})
    assert [line.replace(here, RECEIVER) for line in printed] == preview.lines


def assert_shows_arrivals(arrivals: list[Arrival]) -> None:
    """Assert the README's excerpt from the receiver: the partners' requests in order, and one body of the network's."""
    excerpt = [line for line in README.splitlines() if re.match(r"[\d:.]+  (GET|POST) ", line)]
    lines = neutral([line.split("  ")[1] for line in excerpt])
    for path in ("/margin-notes", "/penny-spine/FF-1002"):
        came = neutral([f"{each.method} {each.url}" for each in arrivals if each.path == path])
        assert [line for line in lines if path in line] == came
    bodies = [arrival.body for arrival in arrivals if arrival.path == "/lantern"]
    shown = re.findall(r'^ +(\{"order".*\})$', README, re.MULTILINE)
    assert shown == bodies[:1]
    assert (len(lines), len(bodies), len(set(bodies))) == (5, 3, 3)


def assert_shows_status() -> None:
    (status,) = walk_of("postback_status")
    printed = [re.sub(" +", " ", line) for line in run(status)]
    shown = [re.sub(" +", " ", line) for line in neutral(status.lines)]
    # The totals in the README are those of an installation that also runs the demo.
    assert [line.split(":")[0] for line in shown[:2]] == [line.split(":")[0] for line in printed[:2]]
    assert_shows(shown[2:], printed)


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


def code_of(text: str) -> Texts:
    """Return fenced and indented blocks line by line, and code spans."""
    fenced = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    without = re.sub(r"```\w*\n.*?```", "", text, flags=re.DOTALL)
    indented = re.findall(r"^ {4}(.*)$", without, re.MULTILINE)
    return [*fenced, *indented, *re.findall(r"`([^`\n]+)`", without)]


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
    for folder in re.findall(r"^\| .*?`(\w[\w/]*/)`", README, re.MULTILINE):
        assert (BASE_DIR / folder).is_dir(), folder


def test_the_index_lists_every_document() -> None:
    listed = re.findall(
        r"^- \[(.+)\]\(\1\): .+", (BASE_DIR / "docs/README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(path.name for path in (BASE_DIR / "docs").glob("*.md") if path.name != "README.md")


def test_the_example_needs_no_host_but_the_local_receiver() -> None:
    text = (BASE_DIR / "examples/config.yaml").read_text(encoding="utf-8")
    owners = yaml.safe_load(text)
    urls = [each["url"] for owner in owners["partners"] + owners["media_sources"] for each in owner["postbacks"]]
    assert len(urls) == 3
    assert all(url.startswith(f"http://{RECEIVER}/") for url in urls)


def without_code(path: Path) -> str:
    text = re.sub(r"```\w*\n.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path: Path) -> set[str]:
    """Return a document's headings as GitHub names them: lower case, hyphens for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
