"""The filters that are set, each in words and with the query that is left without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils import timezone

from postbacks.admin.deliveries.filters import FilterForm
from postbacks.delivery_log.presets import PRESETS
from postbacks.models import Replay

_POSITION = ("before", "after")  # In the list; not of the filters.


@dataclass(frozen=True, slots=True)
class Chip:
    """`text` is the filter in words, `without` the query of the log without it."""

    text: str
    without: str


def _choice(form: FilterForm, name: str, value: Any) -> str:
    field: Any = form.fields[name]
    return str(dict(field.choices).get(value, value))


def _chosen(form: FilterForm) -> Any:
    widget: Any = form.fields["postback"].widget
    return widget.chosen  # What the form has found, if the user may see it.


def _moment(_form: FilterForm, name: str, value: Any) -> str:
    local = timezone.localtime(value)
    return (
        f"{name} {local:%Y-%m-%d %H:%M:%S}" if local.second or local.microsecond else f"{name} {local:%Y-%m-%d %H:%M}"
    )


def _replay(_form: FilterForm, _name: str, value: Any) -> str:
    return str(Replay.objects.filter(pk=value).first() or f"replay {value}")


_WORDS: Final[dict[str, Callable[[FilterForm, str, Any], str]]] = {
    "q": lambda _form, _name, value: f"Search: {value}",
    "state": lambda form, name, value: f"State: {_choice(form, name, value)}",
    "status": lambda form, name, _value: f"Status: {form.data.get(name)}",
    "reason": lambda form, name, value: f"Reason: {_choice(form, name, value)}",
    "postback": lambda form, _name, value: f"Postback: {_chosen(form) or value}",
    "partner": lambda _form, _name, value: f"Partner: {value.name}",
    "media_source": lambda _form, _name, value: f"Network: {value.name}",
    "program": lambda _form, _name, value: f"Program: {value.name}",
    "action_tracker": lambda _form, _name, value: f"Event type: {value.name}",
    "time": lambda form, name, value: f"Time: {_choice(form, name, value).lower()}",
    "since": lambda form, _name, value: _moment(form, "From", value),
    "until": lambda form, _name, value: _moment(form, "Until", value),
    "when": lambda _form, _name, value: PRESETS[value],
    "resent": lambda _form, _name, _value: "Without what was resent",
    "replay": _replay,
}


def chips_of(form: FilterForm, query: QueryDict) -> list[Chip]:
    """A chip for each filter of a valid form, in the order of its fields."""
    given = form.cleaned_data
    return [
        Chip(say(form, name, given[name]), _without(query, name))
        for name, say in _WORDS.items()
        if given.get(name) not in (None, "")
    ]


def presets_of(form: FilterForm, query: QueryDict) -> list[tuple[str, str, bool]]:
    """The times that are offered by name: what to show, the query, and whether it is the chosen one."""
    given = form.cleaned_data if form.is_valid() else {}
    free = given.get("since") is None and given.get("until") is None
    chosen = given.get("when", "") if free else None
    offered = [("", "Any time"), *PRESETS.items()]
    return [(label, _without(query, "since", "until", "when", when=name), name == chosen) for name, label in offered]


def _without(query: QueryDict, *names: str, **instead: str) -> str:
    kept = query.copy()
    for name in (*names, *_POSITION):
        kept.pop(name, None)
    for name, value in instead.items():
        if value:
            kept[name] = value
    return kept.urlencode()
