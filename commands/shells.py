"""Completion for bash, zsh and fish, made of the commands' parsers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from commands.described import Described, Option

PROGRAM = "partner-postbacks"
SHELLS = ("bash", "zsh", "fish")


def script(shell: str, commands: list[Described]) -> str:
    """Return the script that makes `shell` (bash, zsh or fish) complete `commands`."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands)


_BASH = """\
# Completion of {program} for bash.
_partner_postbacks() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local name=${{COMP_WORDS[1]}} part=${{COMP_WORDS[2]}}
    local words='' options='' values=''
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '{names}' -- "$word"))
        return
    fi
    case $name in
    help) words='{names}' ;;
{cases}
    esac
    case "$name $before" in
{values}
    esac
    if [[ $values == '<file>' ]]; then
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$word"))
    elif [[ -n $values ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$word"))
    elif [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    elif [[ -n $words ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$word"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -F _partner_postbacks {program}
"""


def _bash(commands: list[Described]) -> str:
    cases, values = [], []
    for each in commands:
        if each.parts:
            cases.append(f"    {each.name})\n        case $part in")
            cases += [f"        {part.name}) {_words(part)} ;;" for part in each.parts]
            cases.append(f"        *) {_words(each)} ;;\n        esac ;;")
        else:
            cases.append(f"    {each.name}) {_words(each)} ;;")
        for option in _all_options(each):
            if option.takes_value:
                patterns = "|".join(f"'{each.name} {name}'" for name in option.names)
                values.append(f"    {patterns}) values='{' '.join(option.choices) or '<file>'}' ;;")
    names = " ".join(["help", *(each.name for each in commands)])
    return _BASH.format(program=PROGRAM, names=names, cases="\n".join(cases), values="\n".join(values))


_ZSH = """\
#compdef {program}
# Completion of {program} for zsh.
_partner_postbacks() {{
    local context state line
    typeset -A opt_args
    _arguments '1: :->command' '*:: :->rest'
    case $state in
    command)
        local -a commands=(
{names}
        )
        _describe command commands ;;
    rest)
        case $line[1] in
{cases}
        *) _files ;;
        esac ;;
    esac
}}
if [[ $funcstack[1] == _{program} ]]; then
    _partner_postbacks "$@"
else
    compdef _partner_postbacks {program}
fi
"""


def _zsh(commands: list[Described]) -> str:
    cases = []
    for each in commands:
        if each.parts:
            below = "\n".join(
                f"            {part.name}) _arguments {' '.join(_zsh_arguments(part))} ;;" for part in each.parts
            )
            parts = " ".join(_zsh_quoted(f"{part.name}:{_plain(part.text)}") for part in each.parts)
            cases.append(
                f"        {each.name})\n            local -a parts=({parts})\n"
                f"            _arguments '1: :{{_describe part parts}}' '*:: :->part'\n"
                f"            case $line[1] in\n{below}\n            esac ;;"
            )
        else:
            cases.append(f"        {each.name}) _arguments {' '.join(_zsh_arguments(each))} ;;")
    names = "\n".join(f"            {_zsh_quoted(f'{each.name}:{_plain(each.text)}')}" for each in commands)
    return _ZSH.format(program=PROGRAM, names=names, cases="\n".join(cases))


def _zsh_arguments(each: Described) -> Iterator[str]:
    for option in (*each.own, *each.shared):
        text = _plain(option.text).replace("[", "(").replace("]", ")").replace(":", "\\:")
        does = f"({' '.join(option.choices)})" if option.choices else "_files"
        value = f": :{does}" if option.takes_value else ""
        if option.is_argument:
            yield _zsh_quoted(f"*: :{does}")
        else:
            # A star: it may be repeated.
            yield from (_zsh_quoted(f"*{name}[{text}]{value}") for name in option.names)


def _fish(commands: list[Described]) -> str:
    lines = [f"# Completion of {PROGRAM} for fish.", f"complete -c {PROGRAM} -n __fish_use_subcommand -f"]
    for each in commands:
        lines.append(
            f"complete -c {PROGRAM} -n __fish_use_subcommand -f -a {each.name} -d {_fish_quoted(_plain(each.text))}"
        )
        seen = f"__fish_seen_subcommand_from {each.name}"
        lines += _fish_options(each, seen)
        for part in each.parts:
            names = " ".join(other.name for other in each.parts)
            none_yet = _fish_quoted(f"{seen}; and not __fish_seen_subcommand_from {names}")
            text = _fish_quoted(_plain(part.text))
            lines.append(f"complete -c {PROGRAM} -n {none_yet} -f -a {part.name} -d {text}")
            lines += _fish_options(part, f"{seen}; and __fish_seen_subcommand_from {part.name}")
    return "\n".join(lines) + "\n"


def _fish_options(each: Described, seen: str) -> Iterator[str]:
    for option in (*each.own, *each.shared):
        start = f"complete -c {PROGRAM} -n {_fish_quoted(seen)}"
        values = f" -f -a {_fish_quoted(' '.join(option.choices))}" if option.choices else ""
        if option.is_argument:
            if values:
                yield f"{start}{values}"
            continue
        names = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)
        needs = " -r" if option.takes_value else ""
        yield f"{start}{names}{needs}{values} -d {_fish_quoted(_plain(option.text))}"


def _words(each: Described) -> str:
    """What may come next, for bash: names of parts and values of arguments; names of options."""
    options = (*each.own, *each.shared)
    words = [
        *(part.name for part in each.parts),
        *(choice for one in options if one.is_argument for choice in one.choices),
    ]
    return f"words='{' '.join(words)}' options='{' '.join(name for one in options for name in one.names)}'"


def _all_options(each: Described) -> Iterable[Option]:
    """The options of a command and of its parts, each name once."""
    found: dict[tuple[str, ...], Option] = {}
    for option in (*each.own, *each.shared, *(option for part in each.parts for option in part.own)):
        if not option.is_argument:
            found.setdefault(option.names, option)
    return found.values()


def _plain(text: str) -> str:
    """A help text in one line, without what shells treat specially in descriptions."""
    return " ".join(text.split()).replace("`", "").replace("\\", "")


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"
