"""The tables themselves: every entry is ours to write, sourced, and either says the same or what to do."""

import io
import re
from datetime import date

import pytest
from django.core.management import call_command

from environment.variables import BASE_DIR
from postbacks.conversion.networks import NETWORKS
from postbacks.conversion.reference import reference
from postbacks.conversion.tables import Macro
from postbacks.request.template import Place, compile_template

EVERY = [
    pytest.param(network.key, macro, id=f"{network.key}-{kind}-{macro.name}")
    for network in NETWORKS.values()
    for kind, macros in (("macro", network.macros), ("parameter", network.parameters))
    for macro in macros.values()
]


@pytest.mark.parametrize(("network", "macro"), EVERY)
def test_an_entry_says_the_same_here_or_what_to_do(network: str, macro: Macro) -> None:
    assert macro.meaning
    if macro.template:
        assert not compile_template(macro.template, Place.FORM_VALUE).warnings
    else:
        assert macro.note, "what to do about it"
    for named in re.findall(r"\{\w+(?:\([^{}]*\))?\}", macro.note.replace("{network}", "").replace("{template}", "")):
        compile_template(named, Place.FORM_VALUE)


@pytest.mark.parametrize("key", NETWORKS)
def test_every_page_has_an_address_and_the_day_on_which_it_was_read(key: str) -> None:
    network = NETWORKS[key]
    for source in network.sources:
        assert source.address.startswith(("https://", "http://"))
        assert date.fromisoformat(source.read) >= date(2026, 11, 26)


@pytest.mark.parametrize("key", NETWORKS)
def test_no_page_of_a_network_names_a_macro_twice(key: str) -> None:
    for pages in (NETWORKS[key].pages, NETWORKS[key].parameter_pages):
        names = [macro.name for page in pages for macro in page.macros]
        assert len(names) == len(set(names))


def test_the_page_is_checked_in_as_the_command_prints_it() -> None:
    printed = io.StringIO()
    call_command("conversion_reference", stdout=printed)
    assert (BASE_DIR / "docs" / "macros.md").read_text(encoding="utf-8") == printed.getvalue() == reference(), (
        "Renew it by: manage.py conversion_reference > docs/macros.md"
    )


def test_every_table_is_on_the_page() -> None:
    page = reference()
    for network in NETWORKS.values():
        assert f"## {network.name}\n" in page
        for macro in network.macros.values():
            assert f"| `{network.brackets.value.replace('name', macro.name)}` | {macro.meaning} |" in page
