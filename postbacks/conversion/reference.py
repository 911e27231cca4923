"""The tables in Markdown, from the same data as the conversion. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from postbacks.conversion.networks import NETWORKS
from postbacks.conversion.tables import Argument, Macro, Network, Page
from postbacks.conversion.wording import OTHER_IDS

_HEAD: Final = """\
# Macros of other networks

<!-- Printed by `manage.py conversion_reference`: change the tables of postbacks/conversion/networks, not this file. -->

What each macro of another network becomes here, or what to do where nothing says the same. `manage.py convert_template`
and *Paste a URL from another network* in the form of a postback translate by these tables; [moving.md](moving.md) tells
how to move. Each table names the page that documents its macros, and the day on which it was read. A macro that is not
listed is named, and left as it stands. Names are exact: upper and lower case count.
"""
_KINDS: Final = {
    Argument.STATUSES: " Behind a colon stands one text for each status, as in `lead=0 sale=1 rejected=2`.",
    Argument.LANGUAGE: " With a language behind a colon there is no counterpart.",
}


def reference() -> str:
    """Return the whole page."""
    return "\n".join((_HEAD, *(part for network in NETWORKS.values() for part in _network(network))))


def _network(network: Network) -> Iterable[str]:
    yield f"## {network.name}\n"
    yield f"`--from {network.key}`. Macros are written `{network.brackets.value}`.{_marks(network)}\n"
    for page in network.pages:
        yield _table(network, page, "macro")
    if network.parameter_pages:
        yield (
            f"### {network.name}'s own postback URL\n\nA partner that uses {network.name} sends a URL with gaps, such "
            "as `REPLACE`, `OPTIONAL`, `{}` or nothing at all. They are filled in by the names of their parameters.\n"
        )
        for page in network.parameter_pages:
            yield _table(network, page, "parameter")


def _marks(network: Network) -> str:
    if network.raw_prefix:
        return f" `{network.raw_prefix}` before a name means that the value is not encoded: `raw(…)` here."
    if network.raw_function:
        return f" `:{network.raw_function}` behind a name means that the value is not encoded: `raw(…)` here."
    return ""


def _table(network: Network, page: Page, kind: str) -> str:
    rows: list[Sequence[str]] = [(kind, "what it is", "here", "what to know, or to do"), ("---",) * 4]
    rows += [_row(network, macro, kind) for macro in page.macros]
    lines = "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    return f"[{_short(page.source.address)}]({page.source.address}), read on {page.source.read}:\n\n{lines}"


def _row(network: Network, macro: Macro, kind: str) -> Sequence[str]:
    written = network.brackets.value.replace("name", macro.name) if kind == "macro" else macro.name
    note = macro.note.replace("{network}", network.name)
    if macro.own_id:
        note = OTHER_IDS.format(network=network.name, bare=macro.template[1:-1])
    known = f"{_coded(note)}{_KINDS.get(macro.argument, '')}".strip()
    return _code(written), macro.meaning, _code(macro.template) if macro.template else "nothing", known


def _short(address: str) -> str:
    return address.split("/")[2]


def _coded(text: str) -> str:
    """The text with its placeholders as code."""
    parts, at = [], 0
    while (start := text.find("{", at)) >= 0:
        end = text.find("}", start) + 1
        parts += [text[at:start], _code(text[start:end])]
        at = end
    return "".join((*parts, text[at:]))


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"
