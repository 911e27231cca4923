"""How often something may be tried. Counted in the database, before it is known what comes of the try: whoever tries a
hundred times at once is counted a hundred times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.models import Tries

_COUNT = """
INSERT INTO portal_tries (key, since, count) VALUES (%(key)s, statement_timestamp(), 1)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN portal_tries.since > statement_timestamp() - %(within)s
        THEN least(portal_tries.count, 1000000) + 1 ELSE 1 END,
    since = CASE WHEN portal_tries.since > statement_timestamp() - %(within)s
        THEN portal_tries.since ELSE statement_timestamp() END
RETURNING count
"""
_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries `within` a time that begins with the first of them; `what` is tried."""

    what: str
    most: int
    within: timedelta

    def allows(self, whose: object) -> bool:
        """Counts a try; whether it is one of those that are allowed."""
        values: dict[str, Any] = {"key": self._key(whose), "within": self.within}
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, values)
            count: int = cursor.fetchone()[0]
        return count <= self.most

    def is_reached(self, whose: object) -> bool:
        """Whether no further try is allowed now. Counts nothing."""
        rows = Tries.objects.filter(key=self._key(whose), since__gt=timezone.now() - self.within)
        return rows.filter(count__gte=self.most).exists()

    def forget(self, whose: object) -> None:
        """Takes back what was counted."""
        Tries.objects.filter(key=self._key(whose)).delete()

    @property
    def minutes(self) -> int:
        return round(self.within.total_seconds() / 60)

    def _key(self, whose: object) -> str:
        return f"{self.what}:{whose}"[:100]


_QUARTER: Final = timedelta(minutes=15)  # As after failed sign-ins.
LINKS: Final = Limit("unknown links from", 20, _QUARTER)
"""By address: links that do not exist. One that works is not counted, so that a whole office can open theirs."""
PROOFS_FROM: Final = Limit("passwords and codes from", 20, _QUARTER)
"""By address."""
PROOFS: Final = Limit("passwords and codes of link", 10, _QUARTER)
"""By link, wherever they come from."""
CODES: Final = Limit("codes sent for link", 5, _QUARTER)
TESTS: Final = Limit("tests of link", 10, timedelta(minutes=1))
RESENDS: Final = Limit("resends of link", 300, timedelta(hours=1))


def address_of(request: HttpRequest) -> str:
    """The address by which tries are counted: the same as for failed sign-ins."""
    return import_string(settings.AXES_CLIENT_IP_CALLABLE)(request) or "nowhere"


def forget_old() -> None:
    """Deletes what counts no more."""
    Tries.objects.filter(since__lt=timezone.now() - _KEPT).delete()
