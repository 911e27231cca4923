"""Translates the macros of one network in a text. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from actions.reports.parameters import PARAMETERS
from postbacks.conversion.brackets import Found, macros_in, stands_alone
from postbacks.conversion.modifiers import NoCounterpartError, named, translated
from postbacks.conversion.networks import NETWORKS
from postbacks.conversion.outcome import ConversionError, Converted, Left, Replacement, Translation, applied
from postbacks.conversion.tables import Brackets, Macro, Network
from postbacks.conversion.wording import OTHER_IDS
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.hints import PARAMETER_ALIASES, nearest
from postbacks.request.template.tokens import OPENING

_PARAMETER: Final = re.compile(r"(?<=[?&])(?P<key>[^=&?#\s]+)=(?P<value>[^&\s]*)")
_GAP: Final = re.compile(
    r"(?:replace|optional|(?:\{|%7B)[^{}&]*(?:\}|%7D)|\[[^\[\]&]*\]|<[^<>&]*>|#[^#&]*#|)", re.IGNORECASE
)
_UNFILLED: Final = re.compile(r"(?<==)(?:REPLACE|OPTIONAL)(?=&|\Z)")
_SHOWN_AT_MOST: Final = 5  # Of a list in a message.


def converted(text: str, network: Network, *, url: bool = False) -> Converted:
    """The text with the network's macros translated; with `url`, the gaps of a tracker's postback URL too.

    Raises `ConversionError` for what has placeholders of ours already, or macros of another kind of network.
    """
    refuse_ours(text, network.macros)
    done = list(_parameters(text, network)) if url else []
    taken = {index for each in done for index in range(each.start, each.end)}
    told: dict[str, tuple[str, Translation | Left]] = {}  # A macro that comes often is looked at once.
    for found in macros_in(text, network.brackets):
        if taken.isdisjoint(range(found.start, found.end)) and _is_one(text, network, found):
            if found.written not in told:
                told[found.written] = _macro(network, found)
            done.append(Replacement(found.start, found.end, *told[found.written]))
    taken = {index for each in done for index in range(each.start, each.end)}
    _refuse_others(text, network, taken)
    if url:
        done += (_unfilled(match) for match in _UNFILLED.finditer(text) if match.start() not in taken)
    return applied(text, done)


def refuse_ours(text: str, macros: Mapping[str, Macro]) -> None:
    """Raises `ConversionError` if the text holds placeholders of the template language that are no `macros`."""
    found = [name for name in ours_in(text) if name not in macros]
    if found:
        raise ConversionError(
            f"It already has placeholders of Partner Postbacks: {_listed(found)}. A converted template is not "
            "converted again. To check one, choose impact.com as the network: its names are the same."
        )


def ours_in(text: str) -> list[str]:
    """The names of our own parameters and functions that stand in placeholders, each once."""
    names = []
    for opening in OPENING.finditer(text):
        word = re.match(r"\{(\w+)([}(.])", text[opening.start() :])
        if word and word[1] in (FUNCTIONS if word[2] == "(" else PARAMETERS):
            names.append(word[1])
    return list(dict.fromkeys(names))


def gaps_in(text: str) -> Iterator[tuple[str, str, int, int]]:
    """The parameters of a URL that somebody is to fill in: key, what stands in its place, and from where to where."""
    for match in _PARAMETER.finditer(text):
        if _GAP.fullmatch(match["value"]):
            yield match["key"], match["value"], *match.span("value")


def _parameters(text: str, network: Network) -> Iterator[Replacement]:
    """What a tracker's own postback URL takes, where the value is still to be filled in.

    A macro that says more than the parameter's name is left to the table of macros.
    """
    for key, gap, start, end in gaps_in(text):
        macro = network.parameters.get(key)
        if macro is None or _says_more(network, gap):
            continue
        written = f"{key}={gap}"
        if macro.template:
            what: Translation | Left = _translation(network, macro, written, macro.template)
            yield Replacement(start, end, macro.template, what)
        elif gap:
            yield Replacement(start, end, gap, Left(written, f"{macro.meaning}. {macro.note}"))


def _says_more(network: Network, gap: str) -> bool:
    for found in macros_in(gap, network.brackets):
        meant = named(network, found)
        if meant is not None and not meant.macro.click:
            return True
    return False


def _is_one(text: str, network: Network, found: Found) -> bool:
    """Whether it is a macro at all: an unknown word in parentheses is one only where it is a whole value."""
    if network.brackets is not Brackets.PARENTHESES or named(network, found) is not None:
        return True
    return stands_alone(text, found)


def _macro(network: Network, found: Found) -> tuple[str, Translation | Left]:
    """What stands in its place in the result, and what is told of it."""
    meant = named(network, found)
    if meant is None:
        return found.written, Left(found.written, _unknown(network, found))
    macro = meant.macro
    try:
        template = translated(network, meant, found)
    except NoCounterpartError as error:
        return found.written, Left(found.written, f"{macro.meaning}. {error}")
    if template:
        return template, _translation(network, macro, found.written, template)
    return found.written, Left(found.written, f"{macro.meaning}. {macro.note.replace('{network}', network.name)}")


def _translation(network: Network, macro: Macro, written: str, template: str) -> Translation:
    note = macro.note.replace("{network}", network.name)
    if macro.own_id:
        note = OTHER_IDS.format(network=network.name, bare=template[1:-1])
    return Translation(written, template, macro.meaning, note, macro.click)


def _unfilled(match: re.Match[str]) -> Replacement:
    advice = "The tracker asks for a value in its place: write one, or leave the parameter out."
    return Replacement(*match.span(), match[0], Left(match[0], advice))


def _unknown(network: Network, found: Found) -> str:
    """What to say of a name that the table does not have."""
    said = f"It is not among the macros that {network.name} documents."
    spelled = next((name for name in network.macros if name.lower() == found.name.lower()), "")
    if spelled:
        return f"{said} Upper and lower case count: did you mean {network.brackets.value.replace('name', spelled)}?"
    others = [each.name for each in NETWORKS.values() if each is not network and found.name in each.macros]
    if others:
        return f"{said} {_and(others)} {'has' if len(others) == 1 else 'have'} one of this name."
    near = nearest(found.name, PARAMETERS, PARAMETER_ALIASES)
    return f"{said} If {{{near}}} is meant, write that." if near else f"{said} Ask the partner what it expects there."


def _refuse_others(text: str, network: Network, taken: set[int]) -> None:
    """Raises `ConversionError` for known macros in the brackets of other networks."""
    for brackets in Brackets:
        if brackets is network.brackets:
            continue
        for found in macros_in(text, brackets):
            of = [each.name for each in NETWORKS.values() if each.brackets is brackets and named(each, found)]
            if of and taken.isdisjoint(range(found.start, found.end)):
                raise ConversionError(
                    f"{found.written} is a macro of {_or(of)}, and not of {network.name}. A template has the macros of "
                    "one network: choose the one that it comes from, and replace the macros of the other."
                )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"{{{name}}}" if name in PARAMETERS else f"{{{name}(…)}}" for name in names[:_SHOWN_AT_MOST])
    return f"{shown} and more" if len(names) > _SHOWN_AT_MOST else shown


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
