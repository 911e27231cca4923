"""What machines ask of the web, answered without a thread of Django's: it must be said also when all of those hang."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from django.http import HttpResponse

from front.handler import request_of
from operations import probes

# Looks at the servers end by themselves after some seconds; a page of metrics may take eight.
_THREADS = 4


class Probes:
    """The probes of one process. Those who ask for the same at once share one look."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="front-probes")
        self._looking: dict[tuple[str, str], asyncio.Future[HttpResponse]] = {}

    async def answer(self, scope: dict[str, Any]) -> HttpResponse | None:
        """The answer, or None if the address is no probe's."""
        probe = probes.ADDRESSES.get(scope["path"])
        if probe is None:
            return None
        request = request_of(scope, BytesIO())
        refusal = probe.refusal(request)
        if refusal is not None or probe.is_quick:
            return refusal or probe.answer(request)
        key = (scope["path"], request.headers.get("Accept", ""))  # Metrics have several formats.
        return await asyncio.shield(self._look(key, lambda: probe.answer(request)))

    def _look(self, key: tuple[str, str], work: Callable[[], HttpResponse]) -> asyncio.Future[HttpResponse]:
        looking = self._looking.get(key)
        if looking is None:
            looking = self._looking[key] = asyncio.get_running_loop().run_in_executor(self._pool, work)
            looking.add_done_callback(lambda _done: self._looking.pop(key))
        return looking
