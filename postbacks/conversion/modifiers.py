"""What is written inside of a macro beside its name, and its counterpart in the template language."""

import re
from dataclasses import dataclass
from typing import Final

from postbacks.conversion.brackets import Found
from postbacks.conversion.tables import Argument, Macro, Network

_PAIR: Final = re.compile(r"(?P<status>\w+)=(?P<text>[^\s=]*)")


class NoCounterpartError(ValueError):
    """The macro is known, but not with what is written inside of it; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Named:
    """A macro by its name without marks; `raw` if its value is not encoded."""

    macro: Macro
    raw: bool


def named(network: Network, found: Found) -> Named | None:
    """The macro that is meant, or None if the network's table has none of that name."""
    macro = network.macros.get(found.name)
    if macro is not None:
        return Named(macro, bool(network.raw_function) and found.argument == network.raw_function)
    if network.raw_prefix and found.name.startswith(network.raw_prefix):
        macro = network.macros.get(found.name.removeprefix(network.raw_prefix))
        return None if macro is None else Named(macro, raw=True)
    return None


def translated(network: Network, meant: Named, found: Found) -> str:
    """The expression in the template language; empty if there is none. Raises `NoCounterpartError`."""
    template = meant.macro.template
    if not template:
        return ""
    if found.argument is not None and not (meant.raw and found.argument == network.raw_function):
        template = _with_argument(network, meant.macro, found)
    inner = template[1:-1]
    if found.fallback:
        inner = f"default({inner}, {quoted(found.fallback)})"
    return f"{{raw({inner})}}" if meant.raw else f"{{{inner}}}"


def _with_argument(network: Network, macro: Macro, found: Found) -> str:
    argument = (found.argument or "").strip()
    if not argument:
        return macro.template
    if macro.argument is Argument.STATUSES:
        return _statuses(network, argument, found)
    if macro.argument is Argument.LANGUAGE:
        raise NoCounterpartError(f"Without “:{argument}” it is a code, which is {macro.template}.")
    raise NoCounterpartError(
        f"{network.name} changes the value by “:{argument}”. Without that it is {macro.template}; docs/templates.md "
        "has the functions that change values here."
    )


def _statuses(network: Network, argument: str, found: Found) -> str:
    """`lead=0 sale=1 rejected=2` as a map of {Status}. All have to be named: what goes out otherwise is not known."""
    pairs = [_PAIR.fullmatch(text) for text in re.split(r"[\s+]+", argument)]
    texts = {pair["status"]: pair["text"] for pair in pairs if pair}
    if None in pairs or texts.keys() != network.statuses.keys():
        words = " ".join(f"{name}=…" for name in network.statuses)
        ours = ", ".join(f"{theirs} is {ours}" for theirs, ours in network.statuses.items())
        raise NoCounterpartError(
            f"Only {{{found.name}:{words}}} is translated. Here {ours}; write what the receiver expects, as in "
            '{map(Status, "APPROVED", "1", "0")}.'
        )
    mapped = (text for each in texts for text in (network.statuses[each], texts[each]))
    return f"{{map(Status, {', '.join(map(quoted, mapped))})}}"


def quoted(text: str) -> str:
    """The text in quotes of the template language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
