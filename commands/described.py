"""A command's options and arguments, read from its parser: for the reference and for the completion of shells."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from commands.base import Command


@dataclass(frozen=True, slots=True)
class Option:
    """One option with all of its names, or one argument, which has none. `choices`: the values that are allowed."""

    names: tuple[str, ...]
    shown: str
    text: str
    takes_value: bool
    choices: tuple[str, ...] = ()

    @property
    def is_argument(self) -> bool:
        return not self.names


@dataclass(frozen=True, slots=True)
class Described:
    """A command, or a part of one such as `partner_link create`. `shared` are the options that all commands have."""

    name: str
    text: str
    own: list[Option] = field(default_factory=list)
    shared: list[Option] = field(default_factory=list)
    parts: list[Described] = field(default_factory=list)
    command: BaseCommand | None = None

    @property
    def is_ours(self) -> bool:
        return isinstance(self.command, Command)


def all_commands() -> list[Described]:
    """Return every command, by name: those of the project, of Django and of the packages in use."""
    return [described(name, load_command_class(app, name)) for name, app in sorted(get_commands().items())]


def described(name: str, command: BaseCommand) -> Described:
    """Return what the parser of `command` says about it."""
    shared = {string for action in _actions(BaseCommand().create_parser("", "")) for string in action.option_strings}
    parser = command.create_parser("", name)
    options = list(_options(parser))
    return Described(
        name,
        first_sentence(str(command.help)),
        [option for option in options if not shared.intersection(option.names)],
        [option for option in options if shared.intersection(option.names)],
        [_part(name, choice, below) for name, choice, below in _parts(parser)],
        command,
    )


def first_sentence(text: str) -> str:
    """Return the first sentence of a help text, in one line."""
    words = " ".join(text.split())
    head, stop, _ = words.partition(". ")
    return head + stop.strip() if stop else words


def _part(name: str, text: str, parser: argparse.ArgumentParser) -> Described:
    return Described(name, text, [each for each in _options(parser) if "--help" not in each.names])


def _options(parser: argparse.ArgumentParser) -> Iterable[Option]:
    for action in _actions(parser):
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            continue
        names = tuple(action.option_strings)
        yield Option(
            names,
            _shown(action),
            (action.help or "") % {**vars(action), "prog": parser.prog} if action.help else "",
            takes_value=action.nargs != 0,
            choices=tuple(map(str, action.choices or ())),
        )


def _shown(action: argparse.Action) -> str:
    """How an option is typed, such as `--rate N`."""
    metavar = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest)
    value = metavar if isinstance(metavar, str) else " ".join(metavar)
    if not action.option_strings:
        return f"[{value} …]" if action.nargs == "*" else value
    return max(action.option_strings, key=len) + (
        f" {value if action.metavar or action.choices else value.upper()}" if action.nargs != 0 else ""
    )


def _parts(parser: argparse.ArgumentParser) -> Iterable[tuple[str, str, argparse.ArgumentParser]]:
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            texts = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001
            for name, below in action.choices.items():
                yield name, texts.get(name, ""), below


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    # argparse has no public list of them; programs that complete or document its options read this one.
    return parser._actions  # noqa: SLF001
