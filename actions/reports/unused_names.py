"""The names in a report that say nothing: kept and noted where that is harmless, refused where it would cost money."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from actions.reports import documented
from actions.reports.near_misses import NearMiss, near_miss
from actions.reports.rejected import malformed


@dataclass(slots=True)
class UnusedNames:
    """Collects them. `guesses` are all known names, `harmless` those that decide nothing, in letters."""

    guesses: Collection[str]
    harmless: Collection[str]
    warnings: list[str] = field(default_factory=list)
    totals: list[str] = field(default_factory=list)  # They tell of an amount without saying it.
    _misses: list[NearMiss] = field(default_factory=list)

    def documented(self, name: str, canonical: str) -> None:
        """A documented field that is not used."""
        self.warnings.append(f"{name} is not used; it is kept with the action, and no postback can carry it.")
        if canonical in documented.TOTALS:
            self.totals.append(name)

    def unknown(self, name: str, text: str) -> None:
        """A name that nothing is known of."""
        near = difflib.get_close_matches(name, self.guesses, n=1, cutoff=0.8)
        guess = f" Did you mean {near[0]}?" if near else ""
        self.warnings.append(
            f"{name} is no known field; it is kept with the action, and no postback can carry it.{guess}"
        )
        miss = near_miss(name, text, self.harmless)
        if miss:
            self._misses.append(miss)

    def without_sku(self, name: str, flat: str) -> None:
        """`Name`, `Price` and the like without the Sku that would make them fields of an item."""
        if flat == "Discount":
            self._misses.append(NearMiss(name, "OrderDiscount", slip=True))
        elif flat == "Price":
            self.totals.append(name)
        self.warnings.append(
            f"{name} is a field of an item only beside a Sku; it is kept with the action, and no postback can carry it."
        )

    @property
    def may_decide(self) -> bool:
        """Whether there is anything to `refuse`."""
        return bool(self._misses)

    def refuse(self, said: Mapping[str, bool]) -> None:
        """Refuse the report if one of the names would have decided; `said` tells which fields the report says.

        Raises:
            Rejected: there is such a name.
        """
        for miss in self._misses:
            if miss.slip or not said.get(miss.field):
                raise malformed(
                    miss.name,
                    f"no field has this name, and it is near {miss.field}, which decides {miss.decides}. "
                    f"Name it {miss.field} if that is meant; if not, rename it or leave it out.",
                )
