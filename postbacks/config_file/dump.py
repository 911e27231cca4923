"""Writes the configuration in the database as a file that loads back to the same."""

from collections.abc import Callable, Iterable
from typing import Any

import yaml
from django.db.models import F, Model, Prefetch, QuerySet

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Contract, ContractTerm, ExchangeRate, Partner, Program
from postbacks.config_file.changes import written_values
from postbacks.config_file.keys import DOCUMENT, EntryKind
from postbacks.config_file.values import MaskedHeaders, MaskedSecret
from postbacks.models import Postback

_WIDTH = 1_000_000  # A URL folded over lines is hard to read and to search for.


def dump_config() -> str:
    """Every program, partner, media source, contract, postback and exchange rate as YAML; defaults are left out."""
    return yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def document() -> dict[str, Any]:
    """The same as lists, mappings and scalars, for another format. Lists that would be empty are left out."""
    lists = {name: [_entry(kind, row) for row in _ROWS[name]()] for name, kind in DOCUMENT.lists.items()}
    return {name: entries for name, entries in lists.items() if entries}


def _entry(kind: EntryKind, row: Model) -> Any:
    """One row as a file gives it: a mapping with its lists, or a bare string."""
    entry = {name: value for name, value in written_values(kind, row).items() if value is not None}
    if kind.scalar:
        return entry[kind.scalar]
    for name, below in kind.lists.items():
        rows: Iterable[Model] = getattr(row, name).all()
        if entries := [_entry(below, each) for each in rows]:
            entry[name] = entries
    return entry


def _programs() -> Iterable[Model]:
    trackers = ActionTracker.objects.order_by("id").prefetch_related("in_app_events")
    return Program.objects.order_by("id").prefetch_related(Prefetch("action_trackers", trackers))


def _partners() -> Iterable[Model]:
    terms = Prefetch("terms", _terms())
    contracts = Contract.objects.order_by("program_id", "start").prefetch_related(terms)
    return Partner.objects.order_by("id").prefetch_related(Prefetch("contracts", contracts), _postbacks())


def _terms() -> QuerySet[ContractTerm]:
    by_day = F("start").asc(nulls_first=True)
    return ContractTerm.objects.order_by("action_tracker_id", by_day).prefetch_related("category_payouts")


def _media_sources() -> Iterable[Model]:
    return MediaSource.objects.order_by("id").prefetch_related(_postbacks())


def _exchange_rates() -> Iterable[Model]:
    typed = ExchangeRate.objects.filter(source=ExchangeRate.Source.HAND)
    return typed.order_by("date", "from_currency", "to_currency")


def _postbacks() -> "Prefetch[Any]":
    return Prefetch("postbacks", Postback.objects.existing().select_related("in_app_event").order_by("id"))


_ROWS: dict[str, Callable[[], Iterable[Model]]] = {
    "exchange_rates": _exchange_rates,
    "programs": _programs,
    "partners": _partners,
    "media_sources": _media_sources,
}


class _Dumper(yaml.SafeDumper):
    """Writes strings of several lines as blocks, and indents lists below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 -- PyYAML's signature
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Reading drops one line end after a block, so a string that ends with one must not be written as a block.
    style = "|" if "\n" in text and not text.endswith("\n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style or ('"' if "\n" in text else None))


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(MaskedSecret, _represent_text)
_Dumper.add_representer(MaskedHeaders, yaml.SafeDumper.represent_dict)
