"""One page of a list: its rows, found behind a key or counted off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import BooleanField, DateTimeField, F, Func, Max, Min, QuerySet, Value

from actions.api.filters import PAGE_SIZE
from actions.api.page_key import PageKey
from actions.api.page_memory import PageMemory
from actions.reports.rejected import malformed

# Beyond it the number of entries is an upper bound: counting more takes longer than reading a page.
COUNTED: Final = 1_000_000
EVENTS_COUNTED: Final = 100_000  # Each is looked at, where actions are counted in an index.


@dataclass(frozen=True, slots=True)
class Order:
    """In which order rows come: of the column `moment`, if there is one, and then of their ids.

    `shown` is the column with the id of what is shown of a row. So many rows are counted exactly as `counted` says.
    """

    moment: str = ""
    rises: bool = False
    shown: str = "pk"
    counted: int = COUNTED

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.moment, "pk") if self.moment else ("pk",)

    @property
    def ordering(self) -> list[str]:
        return [name if self.rises else f"-{name}" for name in self.columns]


OLDEST_FIRST: Final = Order(rises=True)
NEWEST_FIRST: Final = Order()


@dataclass(frozen=True, slots=True)
class Page:
    """The ids of what is shown, and where the page stands in the list."""

    ids: list[int]
    number: int
    size: int
    total: int
    following: PageKey | None  # Behind the last row, if others follow.
    last: PageKey | None  # Behind the last row.

    @property
    def end(self) -> int:
        """How many entries there are up to the last one of the page."""
        return (self.number - 1) * self.size + len(self.ids)

    @property
    def numbers(self) -> int:
        """How many pages there are; never too few."""
        pages = max(1, -(-self.total // self.size))
        return max(pages, self.number + 1) if self.following else pages


@dataclass(frozen=True, slots=True)
class _Pages:
    """The pages of one list, of which one is wanted."""

    rows: QuerySet[Any]
    order: Order
    number: int
    size: int

    def begin(self) -> Page:
        """The first page."""
        return self._read(self.rows, None)

    def behind(self, key: PageKey) -> Page:
        """The page that begins behind a row."""
        if key.moment is not None:
            rows = self.rows.filter(_behind(self.order, key.moment, key.pk))
        elif self.order.rises:
            rows = self.rows.filter(pk__gt=key.pk)
        else:
            rows = self.rows.filter(pk__lt=key.pk)
        return self._read(rows, key.total)

    def counted_off(self, total: int | None, newest: int | None) -> Page:
        """The page that begins so many rows on. What came after the row `newest` would move all others."""
        total = self._count() if total is None else total
        skipped = (self.number - 1) * self.size
        if skipped >= total:
            return Page([], self.number, self.size, total, None, None)
        rows = self.rows
        if newest is not None and not self.order.rises:
            rows = rows.filter(pk__lte=newest)
        return self._read(rows, total, skipped)

    def has(self, key: PageKey) -> bool:
        """Whether the key is one of this list's order."""
        return (key.moment is None) == (not self.order.moment)

    def _count(self) -> int:
        """The number of all rows; of very many an upper bound: there are no more than ids."""
        order = self.order
        count = self.rows.order_by().values("pk")[: order.counted + 1].count()
        if count <= order.counted:
            return count
        shown = self.rows.model._meta.get_field(order.shown) if order.shown != "pk" else None  # noqa: SLF001 -- as below
        ends = _all(shown.related_model if shown else self.rows.model).aggregate(Min("pk"), Max("pk"))
        return int(ends["pk__max"] - ends["pk__min"] + 1)

    def _read(self, rows: QuerySet[Any], total: int | None, skipped: int = 0) -> Page:
        order, size = self.order, self.size
        wanted = rows.order_by(*order.ordering).values_list(*order.columns, order.shown)
        found = list(wanted[skipped : skipped + size + 1])
        more, found = len(found) > size, found[:size]
        end = (self.number - 1) * size + len(found)
        if total is None:
            total = self._count() if more else end
        total = max(total, end + more if found else 0)
        last = _key(total, found[-1]) if found else None
        return Page([row[-1] for row in found], self.number, size, total, last if more else None, last)


def page_of(rows: QuerySet[Any], order: Order, wanted: Mapping[str, Any], memory: PageMemory) -> Page:
    """The page of these rows that `wanted` asks for by `Page`, `PageSize` and `PageKey`; past the end it is empty.

    Raises:
        Rejected: the key belongs to rows in another order.
    """
    pages = _Pages(rows, order, wanted.get("Page", 1), wanted.get("PageSize", PAGE_SIZE))
    key: PageKey | None = wanted.get("PageKey")
    if key is None:
        return _by_number(pages, memory)
    if not pages.has(key):
        raise malformed("PageKey", "it is of a query with other filters; take it from the address of a next page.")
    return pages.behind(key)


def _by_number(pages: _Pages, memory: PageMemory) -> Page:
    """A page of which only the number is given: behind the one before if that was read, else counted off."""
    if pages.number == 1:
        page = pages.begin()
        if page.following:
            memory.begin(page.total, _highest_id(pages.rows))
    else:
        known = memory.recall(pages.number)
        if known.key is not None and pages.has(known.key):
            page = pages.behind(known.key)
        else:
            page = pages.counted_off(known.total, known.newest)
    if page.last and len(page.ids) == pages.size:
        memory.remember(pages.number + 1, page.last)
    if page.ids and not page.following and pages.number > 1:
        memory.end(page.end)  # Whatever was counted: pages after the next one are known to be empty.
    return page


def _key(total: int, row: tuple[Any, ...]) -> PageKey:
    *columns, _shown = row
    return PageKey(total, columns[-1], columns[0] if len(columns) > 1 else None)


def _behind(order: Order, moment: datetime, pk: int) -> Func:
    """Whether a row stands behind this place: both columns are compared as one, so that an index serves both."""
    row = _row(F(order.moment), F("pk"))
    place = _row(Value(moment, DateTimeField()), Value(pk))
    sign = " > " if order.rises else " < "
    return Func(row, place, template="%(expressions)s", arg_joiner=sign, output_field=BooleanField())


def _row(*columns: F | Value) -> Func:
    return Func(*columns, template="(%(expressions)s)", output_field=BooleanField())


def _highest_id(rows: QuerySet[Any]) -> int:
    return int(_all(rows.model).aggregate(Max("pk"))["pk__max"] or 0)


def _all(model: Any) -> QuerySet[Any]:
    found: QuerySet[Any] = model._default_manager.all()  # noqa: SLF001 -- Django's documented interface
    return found
