"""Where the pages of a list begin, for readers that only count them: Page=1, Page=2, …

The address of a next page has its key. A reader that ignores it gets the same, because Redis remembers for some time
where the pages of the same query begin. So its pages do not cost more as they go on either, and rows that come or go
meanwhile do not move others from one page to the next. While Redis is away such pages are counted off.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from actions.api.page_key import PageKey
from stores.patience import ask

KEPT_SECONDS: Final = 3600  # After the latest page; a reader takes seconds from one to the next.
_TOTAL, _NEWEST = "total", "newest"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of a page. `newest` is the highest id that there was at the first page."""

    key: PageKey | None = None
    total: int | None = None
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class PageMemory:
    """The pages of one query of one token."""

    name: str

    @classmethod
    def of(cls, token_id: int, path: str, wanted: dict[str, Any]) -> PageMemory:
        """`path` is the address, `wanted` the values of the query; those of `Page` and `PageKey` do not count."""
        query = sorted((name, str(value)) for name, value in wanted.items() if name not in ("Page", "PageKey"))
        digest = hashlib.sha256(json.dumps([path, query]).encode()).hexdigest()
        return cls(f"api:pages:{token_id}:{digest[:32]}")

    def begin(self, total: int, newest: int) -> None:
        """Forget the pages of an earlier reading; a new one has begun."""

        def begun(redis: Redis) -> None:
            with redis.pipeline() as pipeline:
                pipeline.delete(self.name)
                pipeline.hset(self.name, mapping={_TOTAL: total, _NEWEST: newest})
                pipeline.expire(self.name, KEPT_SECONDS)
                pipeline.execute()

        ask(begun)

    def end(self, total: int) -> None:
        """Note how many entries there were at the end of the list."""
        self._note(_TOTAL, total)

    def remember(self, page: int, key: PageKey) -> None:
        """Note where this page begins."""
        self._note(str(page), str(key))

    def recall(self, page: int) -> Remembered:
        """What is known of this page."""
        found = ask(lambda redis: redis.hmget(self.name, [str(page), _TOTAL, _NEWEST]))
        if not found:
            return Remembered()
        key, total, newest = (value.decode() if isinstance(value, bytes) else value for value in found)
        return Remembered(
            None if key is None else PageKey.read("PageKey", key),
            None if total is None else int(total),
            None if newest is None else int(newest),
        )

    def _note(self, field: str, value: str | int) -> None:
        def noted(redis: Redis) -> None:
            with redis.pipeline() as pipeline:
                pipeline.hset(self.name, field, str(value))
                pipeline.expire(self.name, KEPT_SECONDS)
                pipeline.execute()

        ask(noted)
