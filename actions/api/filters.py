"""What a reader asks for in the query of an address: every name is known, every value read, or it is refused. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from actions.api.page_key import PageKey
from actions.models import Action
from actions.reports import fields as read
from actions.reports.order_ids import trimmed
from actions.reports.rejected import Rejected, malformed
from partners.ids import MAX_ID

MAX_PAGE_SIZE: Final = 20_000  # The most that is documented; some 20 MB of JSON.
PAGE_SIZE: Final = 2_000  # The least that is documented; smaller ones are served too.
MAX_PAGE: Final = 10**9  # Keeps its product with the page size within the database's numbers.
_MOST_PARAMETERS: Final = 100  # Above the number of all filters; bounds the work on a query.
_UNENCODED_PLUS: Final = re.compile(r"(T\d\d:?\d\d\S*) (\d\d:?\d\d)$", re.ASCII)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter of a query.

    `read` takes its name and text, and raises Rejected. `also` are other names for it. `schema` is for the API's
    document.
    """

    name: str
    read: Callable[[str, str], Any]
    description: str
    schema: Mapping[str, Any]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """The parameters of an address; names count without regard to case."""

    known: tuple[Filter, ...]
    _by_name: Mapping[str, Filter] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_name = {name.casefold(): each for each in self.known for name in (each.name, *each.also)}
        object.__setattr__(self, "_by_name", by_name)

    def read(self, query: str) -> dict[str, Any]:
        """The values by their names; empty ones are absent.

        Raises:
            Rejected: a name is unknown, a value wrong, or given twice with different values.
        """
        values: dict[str, Any] = {}
        for name, text in _pairs(query):
            known = self._by_name.get(name.casefold())
            if known is None:
                raise malformed(read.shown(name)[1:-1], f"it is no filter of this address. It takes {self._names()}.")
            if text == "":
                continue
            read.check_characters(known.name, text)
            value = known.read(known.name, text)
            if values.setdefault(known.name, value) != value:
                raise malformed(known.name, "it is given twice, with different values.")
        return values

    def parameters(self) -> list[dict[str, Any]]:
        """The parameters as the API's document tells them."""
        return [
            {"name": each.name, "in": "query", "description": each.description, "schema": dict(each.schema)}
            for each in self.known
        ]

    def _names(self) -> str:
        return ", ".join(each.name for each in self.known)


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        text = query.encode("latin-1").decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeError:
        raise Rejected("MALFORMED", "The query is not UTF-8.") from None
    except ValueError:
        raise Rejected("MALFORMED", f"The query has more than {_MOST_PARAMETERS} parameters.") from None


def read_start(name: str, text: str) -> datetime:
    """The moment from which on something is meant; a bare date begins at midnight UTC."""
    return read.read_date(name, _UNENCODED_PLUS.sub(r"\1+\2", text.strip()))


def read_end(name: str, text: str) -> datetime:
    """The moment before which something is meant: after the day of a bare date, and after a day's last second.

    Times are exclusive so that windows may share their edges. 23:59:59 is how others write a day's end.
    """
    moment = read_start(name, text)
    if _is_bare(text):
        return moment + _DAY
    if (moment.hour, moment.minute, moment.second) == (23, 59, 59):
        return moment.replace(microsecond=0) + timedelta(seconds=1)
    return moment


def _is_bare(text: str) -> bool:
    try:
        date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def whole_number(low: int, high: int) -> Callable[[str, str], int]:
    """A reader of whole numbers within these bounds."""

    def read_whole(name: str, text: str) -> int:
        text = text.strip()
        if not read.WHOLE.fullmatch(text) or len(text) > len(str(high)) or not low <= int(text) <= high:
            raise malformed(name, f"{read.shown(text)} is not a whole number from {low:,} to {high:,}.")
        return int(text)

    return read_whole


def one_of(*choices: str) -> Callable[[str, str], str]:
    """A reader of one of these words, in any case."""

    def read_choice(name: str, text: str) -> str:
        if text.strip().upper() not in choices:
            raise malformed(name, f"{read.shown(text)} is none of {', '.join(choices)}.")
        return text.strip().upper()

    return read_choice


def _read_order_id(name: str, text: str) -> str:
    return trimmed(read.read_text(name, text))


STATES: Final = tuple(str(status) for status in Action.Status)
TEXT: Final = {"type": "string", "maxLength": read.MAX_TEXT}
_ID: Final = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
_KEY: Final = {"type": "integer", "minimum": 0, "maximum": MAX_ID}
_MOMENT: Final = {"type": "string", "examples": ["2026-11-20T00:00:00Z", "2026-11-20"]}


def id_filter(name: str, description: str, *also: str) -> Filter:
    """A filter by an id."""
    return Filter(name, read.read_id, description, _ID, also)


def key_filter(name: str, description: str) -> Filter:
    """A filter by the id of a row that was read before."""
    return Filter(name, whole_number(0, MAX_ID), description, _KEY)


def span(start: str, end: str, what: str) -> tuple[Filter, Filter]:
    """Two filters for the start and the end of a span of time."""
    return (
        Filter(start, read_start, f"{what} at this time or later. Without an offset it is UTC.", _MOMENT),
        Filter(end, read_end, f"{what} before this time; a bare date includes its day.", _MOMENT),
    )


CAMPAIGN: Final = id_filter("CampaignId", "Of this program.")
PARTNER: Final = id_filter("MediaPartnerId", "Credited to this partner.", "PartnerId")
STATE: Final = Filter("State", one_of(*STATES), "In this state.", {"type": "string", "enum": list(STATES)})
ORDER_ID: Final = Filter("OrderId", _read_order_id, "With this order id; also Oid.", TEXT, ("Oid",))
TRACKER: Final = id_filter("ActionTrackerId", "Of this event type; also EventTypeId.", "EventTypeId")
VERSION: Final = Filter(
    "IrVersion", whole_number(1, 999), "The version of the documented API that you expect.", {"type": "integer"}
)
PAGING: Final = (
    Filter("Page", whole_number(1, MAX_PAGE), "The page, from 1.", {"type": "integer", "minimum": 1, "default": 1}),
    Filter(
        "PageSize",
        whole_number(1, MAX_PAGE_SIZE),
        "How many entries a page has.",
        {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": PAGE_SIZE},
    ),
)
PAGE_KEY: Final = Filter(
    "PageKey", PageKey.read, "Where the page begins; stands in the addresses of pages.", {"type": "string"}
)
NONE: Final = Filters((*PAGING, VERSION))
"""Of an address that answers with one thing. Readers ask for pages of it too, and get the one that there is."""


def listing(*filters: Filter) -> Filters:
    """The filters of an address that answers with pages."""
    return Filters((*filters, *PAGING, PAGE_KEY, VERSION))
