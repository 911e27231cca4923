"""docs/commands.md: what commands there are, with their options, exit codes and JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from commands.base import Command
from commands.described import Described, Option, all_commands
from commands.exit_codes import ExitCode
from commands.shells import PROGRAM

_INTRODUCTION = """\
# Commands

<!-- Printed by `command_reference`: change the commands, not this file. -->

An installed package has the program `partner-postbacks`; in a checkout it is `python manage.py`. Both take the same
commands: `partner-postbacks doctor`, `python manage.py doctor`. `partner-postbacks help` lists them, and
`partner-postbacks <command> --help` explains one. Unless DATABASE_URL and REDIS_URL are set, a command that needs
PostgreSQL or Redis runs the embedded ones meanwhile ([embedded servers](embedded.md)); the data is in `var` under the
current folder (in a checkout, under the checkout), or where POSTBACKS_DATA_DIR says.

## All commands

“1 means” says what exit code 1 tells; every command can also end with the other codes of the next section.
"""

_OUTPUT = """\
## JSON

A command with `--json` in the table prints exactly one JSON value on standard output, and nothing else there. If it
fails, that is `{{"error": "…", "exit_code": 1}}`; but a command that has a report prints the report, also where what it
says makes the exit code 1. Warnings go to standard error. Nobody is asked to confirm: add `--yes` where the text would
ask. Later releases add keys; one that is renamed or removed has a line under “Turned around” in CHANGELOG.md.

{always} always print JSON; `--json` makes their errors JSON too.

## Colours and progress

Output has colours on a terminal. `--no-color` and `--force-color` decide; without them `NO_COLOR`, then `FORCE_COLOR`,
if it is set and not empty. Long work shows a progress bar on standard error: only on a terminal, and not with `--json`.

## Completion

Tab completes commands, options and values. The script is made of the commands of the installed release: write it again
after an upgrade.

```sh
partner-postbacks completion bash > ~/.local/share/bash-completion/completions/partner-postbacks
partner-postbacks completion zsh > "${{fpath[1]}}/_partner-postbacks"
partner-postbacks completion fish > ~/.config/fish/completions/partner-postbacks.fish
```
"""

_OTHERS = """\
Those of Django are there too, such as `migrate`, `createsuperuser`, `changepassword`, `collectstatic`, `shell` and
`dbshell`, and some of packages; `partner-postbacks help` lists them. They end with 0, with 1 for an error, and with
2, 3, 4 and 130 as above.
"""


def reference() -> str:
    """Return the page."""
    ours = [each for each in all_commands() if each.is_ours]
    always = " and ".join(f"`{each.name}`" for each in ours if _of(each).always_json)
    parts = [
        _INTRODUCTION,
        "\n".join(_table(ours)),
        "\n## Exit codes\n",
        "\n".join(_codes()),
        "",
        _OUTPUT.format(always=always),
        "\n".join(line for each in ours for line in _section(each)),
        "## Commands of Django and of packages\n",
        _OTHERS,
    ]
    return "\n".join(parts)


def _of(each: Described) -> Command:
    assert isinstance(each.command, Command)  # noqa: S101 -- who calls has chosen those
    return each.command


def _table(ours: Iterable[Described]) -> Iterator[str]:
    yield "| command | what it does | `--json` | 1 means |"
    yield "| --- | --- | --- | --- |"
    for each in ours:
        command = _of(each)
        json = "always" if command.always_json else "yes" if command.json_keys else ""
        yield f"| [`{each.name}`](#{each.name}) | {_cell(each.text)} | {json} | {_cell(command.fails_if)} |"


def _codes() -> Iterator[str]:
    yield "| code | meaning |"
    yield "| --- | --- |"
    for code in ExitCode:
        yield f"| {code.value} | {code.meaning} |"


def _section(each: Described) -> Iterator[str]:
    command = _of(each)
    yield f"## {each.name}\n"
    text = command.help.replace("%(prog)s", f"{PROGRAM} {each.name}").strip()
    yield f"```text\n{text}\n```\n" if "\n" in text else f"{textwrap.fill(text, 120)}\n"
    yield from _options(each.own)
    for part in each.parts:
        yield f"`{each.name} {part.name}`: {part.text}\n"
        yield from _options(part.own)
    if command.json_keys:
        yield "| key of `--json` | holds |"
        yield "| --- | --- |"
        yield from (f"| `{key}` | {_cell(text)} |" for key, text in command.json_keys.items())
        yield ""


def _options(options: Iterable[Option]) -> Iterator[str]:
    shown = [each for each in options if "--json" not in each.names and "--skip-checks" not in each.names]
    if shown:
        yield "| option | meaning |"
        yield "| --- | --- |"
        yield from (f"| `{_cell(each.shown)}` | {_cell(each.text)} |" for each in shown)
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
