"""The first postback of the README, and the whole example of docs/getting-started.md, work as they are shown."""

from __future__ import annotations

import io
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryFile

import pytest
import yaml
from django.core.management import call_command
from django.test import override_settings

from environment.variables import BASE_DIR
from postbacks.models import Attempt, Delivery, Postback
from tests.support.patience import wait_until
from tests.support.processes import killed_afterwards
from tests.support.receiver import Arrival, ScriptedReceiver
from tests.support.workers import running_workers

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
EXAMPLE = (BASE_DIR / "docs" / "getting-started.md").read_text(encoding="utf-8")
RECEIVER = "127.0.0.1:8001"
ARRIVALS = 7  # Of the example's five reports: two partners with two each, and three new orders for the network.

Texts = list[str]


@dataclass(frozen=True)
class Shown:
    """A command in a console block, with the lines that the page shows below it."""

    words: Texts
    lines: Texts


def shown_commands(page: str) -> list[Shown]:
    shown: list[Shown] = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                shown.append(Shown(shlex.split(line[2:]), []))
            else:
                shown[-1].lines.append(line)
    return shown


def walk_of(command: str, page: str = EXAMPLE) -> list[Shown]:
    """Return the uses of a `manage.py` command on a page."""
    found = [shown for shown in shown_commands(page) if shown.words[:3] == ["python", "manage.py", command]]
    assert found, command
    return found


def run(shown: Shown, **replaced: str) -> Texts:
    """Return what the command prints, with some of its words replaced."""
    printed = io.StringIO()
    call_command(*(replaced.get(word, word) for word in shown.words[2:]), stdout=printed)
    return neutral(printed.getvalue().splitlines())


def neutral(lines: Texts) -> Texts:
    """Return the lines without what differs between runs: numbers of actions and postbacks, widths, the version."""
    differs = {
        r"5000\.5001\.\d+": "5000.5001.N",
        r"^ *\d+ {2}": "N  ",
        r"PartnerPostbacks/[\d.]+": "PartnerPostbacks/V",
    }
    for pattern, instead in differs.items():
        lines = [re.sub(pattern, instead, line) for line in lines]
    return [line.strip() for line in lines]


def assert_shows(shown: Texts, printed: Texts) -> None:
    """Assert that every shown line was printed, in order; `…` stands for omitted lines."""
    rest = iter(printed)
    for line in neutral(shown):
        assert line == "…" or line in rest, f"not printed, or out of order: {line}\n{printed}"


@contextmanager
def python_receiver(command: list[str], port: int) -> Iterator[Callable[[], Texts]]:
    """Run the README's receiver on a free port; yield what gives the lines that it has printed."""
    words = [sys.executable if word == "python3" else str(port) if word == "9000" else word for word in command]
    with (
        TemporaryFile("w+") as printed,
        subprocess.Popen([words[0], "-u", *words[1:]], cwd=BASE_DIR, stdout=printed, stderr=printed) as program,
        killed_afterwards(program),
    ):
        wait_until(lambda: listens(port), 10, "the receiver listens")

        def lines() -> Texts:
            printed.seek(0)
            return printed.read().splitlines()

        yield lines


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
@override_settings(POSTBACKS_ALLOWED_NETWORKS=[ip_network("127.0.0.0/8")])
def test_the_first_postback_arrives_as_the_readme_shows(tmp_path: Path) -> None:
    (load,), (report,) = walk_of("load_config", README), walk_of("import_actions", README)
    (listen,) = (shown for shown in shown_commands(README) if shown.words[0] == "python3")
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    config = tmp_path / "first.yaml"
    config.write_text((BASE_DIR / "examples/first.yaml").read_text(encoding="utf-8").replace("9000/", f"{port}/"))
    with python_receiver(listen.words, port) as received, running_workers():
        assert_shows(load.lines, run(load, **{"examples/first.yaml": str(config)}))
        given = {"examples/first.jsonl": str(BASE_DIR / "examples/first.jsonl")}
        assert run(report, **given) == report.lines
        wait_until(lambda: any("GET" in line for line in received()), 10, "the postback arrives")
        arrived = [line.partition('"')[2] for line in received()]
    assert [line for line in arrived if line] == re.findall(r'^127\.0\.0\.1 .*?"(GET .*)$', README, re.MULTILINE)


@pytest.mark.django_db(transaction=True)
@override_settings(POSTBACKS_ALLOWED_NETWORKS=[ip_network("127.0.0.0/8")])
def test_the_example_ends_with_the_postbacks_that_its_page_shows(tmp_path: Path) -> None:
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
    assert [line.replace(here, RECEIVER) for line in printed] == neutral(preview.lines)


def assert_shows_arrivals(arrivals: list[Arrival]) -> None:
    """Assert the page's excerpt from the receiver: the partners' requests in order, and one body of the network's."""
    excerpt = [line for line in EXAMPLE.splitlines() if re.match(r"[\d:.]+  (GET|POST) ", line)]
    lines = neutral([line.split("  ")[1] for line in excerpt])
    for path in ("/margin-notes", "/penny-spine/FF-1002"):
        came = neutral([f"{each.method} {each.url}" for each in arrivals if each.path == path])
        assert [line for line in lines if path in line] == came
    bodies = [arrival.body for arrival in arrivals if arrival.path == "/lantern"]
    shown = re.findall(r'^ +(\{"order".*\})$', EXAMPLE, re.MULTILINE)
    assert shown == bodies[:1]
    assert (len(lines), len(bodies), len(set(bodies))) == (5, 3, 3)


def assert_shows_status() -> None:
    (status,) = walk_of("postback_status")
    printed = [re.sub(" +", " ", line) for line in run(status)]
    shown = [re.sub(" +", " ", line) for line in neutral(status.lines)]
    # The totals on the page are those of an installation that also runs the demo.
    assert [line.split(":")[0] for line in shown[:2]] == [line.split(":")[0] for line in printed[:2]]
    assert_shows(shown[2:], printed)


def test_the_example_needs_no_host_but_the_local_receiver() -> None:
    text = (BASE_DIR / "examples/config.yaml").read_text(encoding="utf-8")
    owners = yaml.safe_load(text)
    urls = [each["url"] for owner in owners["partners"] + owners["media_sources"] for each in owner["postbacks"]]
    assert len(urls) == 3
    assert all(url.startswith(f"http://{RECEIVER}/") for url in urls)
