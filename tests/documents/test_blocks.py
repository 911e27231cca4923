"""Each block of code in the documents has a language, and what checks it: no example is only looked at by its author.

What a program prints is compared by other tests, named in `RUN_BY` or in a comment above the block:
`<!-- run by: test_x.py::test_y -->`, or `<!-- not run: reason -->`. `test_consoles.py` runs the consoles.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from actions.reports.parameters import sample_values
from actions.reports.report import parse_report
from environment.variables import BASE_DIR
from postbacks.conditions.judging import condition_errors
from postbacks.conditions.lines import read_lines, write_lines
from postbacks.config_file.document import Mapping, read_document
from postbacks.config_file.values import read_conditions
from postbacks.request.template import Place, TemplateError, compile_template
from tests.documents import test_receivers, test_snippets
from tests.support.documents import BLOCKS, DOCUMENTS, Block

MAKEFILE = (BASE_DIR / "Makefile").read_text(encoding="utf-8")
SETTINGS = "".join(
    path.read_text(encoding="utf-8")
    for path in [
        BASE_DIR / ".env.example",
        *BASE_DIR.glob("docker-compose*.yml"),
        *(BASE_DIR / "deploy").rglob("*.y*ml"),
    ]
)

# What a block begins with: the test that runs it, or the reason why nothing can.
RUN_BY = {
    "  Partner Postbacks is running": (
        "test_wheel.py::test_it_shows_the_demo_in_a_folder_whose_files_have_the_names_of_its_packages"
    ),
    "ok       Redis": "test_doctor.py",
    "127.0.0.1 - - [": "test_getting_started.py::test_the_first_postback_arrives_as_the_readme_shows",
    "16:30:24.055": "test_getting_started.py::test_the_example_ends_with_the_postbacks_that_its_page_shows",
    "ItemSubTotal1=60": "test_consoles.py::test_discounts_come_off_as_shown",
    '{"ready": false': "test_consoles.py::test_readiness_is_answered_as_shown",
    '{"type": "postbacks.notices"': "test_consoles.py::test_a_webhook_of_notices_has_the_shown_fields",
    '{"time":': "test_consoles.py::test_an_attempt_is_logged_with_the_shown_fields",
    '{"Line":1': "test_consoles.py::test_a_batch_is_answered_as_shown",
    "template   = (": "a grammar for the reader; test_properties.py tests the parser",
}
# Pages that a command prints, and a test compares as a whole.
GENERATED = {"docs/commands.md", "docs/templates.md"}
# Their own programs run them, as they stand.
MARKED = {*test_receivers.EXAMPLES, *test_snippets.SNIPPETS}


def said_to_our_programs(block: Block) -> None:
    for line in block.text.replace("…", "x").replace("\\\n", " ").splitlines():
        words_of_line(line)


def said_to_our_programs_after_a_prompt(block: Block) -> None:
    for line in block.text.replace("…", "x").replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            words_of_line(line.removeprefix("$ "))


def titled(block: Block) -> None:
    assert re.search(r"^ +accTitle: \S", block.text, re.MULTILINE), "say what the diagram shows: accTitle: …"


def words_of_line(line: str) -> None:
    """Check what a line of a shell says to programs of this project."""
    for part in re.split(r" \|\|? | && ", line):
        words = shlex.split(part, comments=True)
        words = [word for word in words if not re.match(r"[A-Z_]+=", word) or "make" in words]
        if "manage.py" in words or (words and words[0].endswith("partner-postbacks")):
            at = words.index("manage.py") if "manage.py" in words else 0
            takes_options(words[at + 1], words[at + 2 :])
        elif words[:1] == ["make"]:
            makes(words[1:])


def takes_options(command: str, options: list[str]) -> None:
    assert command in get_commands(), command
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    written_to = options.index(">") if ">" in options else len(options)
    parser.parse_args([word for word in options[:written_to] if word != "<"])


def makes(words: list[str]) -> None:
    for word in words:
        name, given, _ = word.partition("=")
        if given:
            assert re.search(rf"\$\(?{name}\b|\b{name} \?=|\$\(or \$\({name}\)|\b{name}\b", MAKEFILE + SETTINGS), word
        else:
            assert re.search(rf"^{name}:", MAKEFILE, re.MULTILINE), f"make {name}"


def loaded_as_json(block: Block) -> None:
    for text in [block.text] if "\n{" not in block.text else block.text.splitlines():
        json.loads(text.replace(", …}", "}"))
    run_elsewhere(block)


def loaded_as_yaml(block: Block) -> None:
    loaded = list(yaml.safe_load_all(block.text.replace("…", "x")))
    assert loaded
    if block.text.startswith("conditions:"):
        root = read_document(block.text)
        assert isinstance(root, Mapping)
        assert condition_errors(read_conditions(root.items["conditions"])) == []


def settings_that_exist(block: Block) -> None:
    for line in block.text.splitlines():
        name = line.partition("=")[0]
        assert re.search(rf"\b{name}\b", SETTINGS), f"{name} is not in .env.example"


# What a snippet for contributors begins with: the file that it belongs to, and what stands around it there.
BELONGS = {
    "Parameter(": ("actions.reports.parameters", "{}"),
    "_simple(": ("postbacks.request.template.functions", "{}"),
    '"text": BodyFormat(': ("postbacks.request.body", "{{{}}}"),
    "@dataclass": ("postbacks.verdicts.rules", "{}"),
    "yield GaugeMetricFamily(": ("operations.metrics.families", "def added(readings):\n    {}"),
}


def python_of_ours(block: Block) -> None:
    """A snippet runs where it belongs: all that it names is there."""
    ((module, around),) = [place for start, place in BELONGS.items() if block.text.startswith(start)]
    names = dict(vars(import_module(module)))
    exec(around.format(block.text), names)  # noqa: S102 -- our own documents
    if "added" in names:
        assert [family.name for family in names["added"](SimpleNamespace(replays=2))] == ["postbacks_replays_running"]


def run_as_marked(block: Block) -> None:
    assert block.runs in MARKED, "say above the block what runs it: <!-- runs: name -->"


def run_elsewhere(block: Block) -> None:
    assert is_run_elsewhere(block), "say above the block what runs it: <!-- run by: test_x.py::test_y -->"


def is_run_elsewhere(block: Block) -> bool:
    listed = any(block.text.startswith(start) for start in RUN_BY)
    return listed or bool(block.named) or block.page in GENERATED


def templates(block: Block) -> None:
    """Templates, with what they give to the right of them."""
    for line in block.text.splitlines():
        source, _, shown = line.partition("  ")
        given = compile_template(source, Place.TEXT).render(sample_values())
        assert not shown.startswith((" ?", " {")) or given == shown.strip() or "a " in shown, line


def mistake(block: Block) -> None:
    source = re.search(r"^ +(http\S+)$", block.text, re.MULTILINE)
    assert source
    with pytest.raises(TemplateError) as raised:
        compile_template(source[1], Place.URL)
    assert f"url:\n{raised.value.with_caret()}\n  {raised.value}\n" == block.text


def conditions(block: Block) -> None:
    assert write_lines(read_lines(block.text)).strip() == block.text.strip()


def the_same_items(block: Block) -> None:
    """JSON and form of the same items."""
    rest = {"CampaignId": 1, "ActionTrackerId": 1, "OrderId": "A", "EventDate": "NOW", "Amount": "9"}
    first, second = block.text.splitlines()
    form = dict(re.findall(r"(\w+)=(\S+)", second))
    one = parse_report({**rest, **json.loads(first)}).items
    two = parse_report({**rest, **form}).items
    assert [item.sku for item in one] == [item.sku for item in two] == ["GH23"]


TEXTS: dict[str, Callable[[Block], None]] = {
    "https://partner.example/in?": templates,
    "{join(": templates,
    "payload={": templates,
    "url:\n": mistake,
    "Amount at least": conditions,
    '{"Items":': the_same_items,
}


def text(block: Block) -> None:
    for start, check in TEXTS.items():
        if block.text.startswith(start):
            return check(block)
    return run_elsewhere(block)


CHECKERS: dict[str, Callable[[Block], None]] = {
    "sh": said_to_our_programs,
    "console": said_to_our_programs_after_a_prompt,  # And run, by test_consoles.py and test_getting_started.py.
    "json": loaded_as_json,
    "yaml": loaded_as_yaml,
    "ini": settings_that_exist,
    "python": python_of_ours,
    "sql": run_elsewhere,
    "text": text,
    "mermaid": titled,  # And drawn, by `make docs`.
    **dict.fromkeys(["go", "java", "js", "php", "ruby"], run_as_marked),
}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{Path(block.page).stem}-{block.number}")
def test_a_block_holds(block: Block) -> None:
    assert block.language in CHECKERS, f"{block} has no language that is checked"
    check = run_as_marked if block.runs else CHECKERS[block.language]
    check(block)


@pytest.mark.worker
def test_a_shell_reads_what_it_is_told() -> None:
    told = [block for block in BLOCKS if block.language == "sh"]
    assert len(told) > 20
    for block in told:
        done = subprocess.run(
            ["bash", "-n"], input=block.text.replace("…", "x"), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}: {done.stderr}"


def test_code_is_fenced() -> None:
    """An indented block has no language, so nothing would check it."""
    for page in DOCUMENTS:
        lines = page.read_text(encoding="utf-8").splitlines()
        fenced = False
        for before, line in zip(["", *lines], lines, strict=False):
            fenced ^= line.lstrip().startswith("```")
            assert fenced or before.strip() or not line.startswith("    "), f"{page.name}: {line}"


def test_what_runs_the_others_is_there() -> None:
    for start in RUN_BY:
        assert any(block.text.startswith(start) for block in BLOCKS), f"No block begins with {start}"
    named = [block.named.removeprefix("run by: ") for block in BLOCKS if block.named.startswith("run by: ")]
    for runs in [*RUN_BY.values(), *named]:
        file, _, function = runs.partition("::")
        if file.endswith(".py"):
            (found,) = (BASE_DIR / "tests").rglob(file)
            assert not function or f"def {function}(" in found.read_text(encoding="utf-8"), runs
