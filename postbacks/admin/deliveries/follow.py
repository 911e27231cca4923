"""The addresses beside the list: what it shows as a file, how far that is, and how many newer rows there are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from partners.admin_kit import may_see_personal
from postbacks.admin.deliveries.export import FORMATS, INCOMPLETE, records_of
from postbacks.admin.deliveries.export_progress import Progress
from postbacks.admin.deliveries.filters import FilterForm
from postbacks.admin.deliveries.views import LOG, OPTIMIZE, BulkActionsAdmin, filters_of
from postbacks.delivery_log.filters import Filters
from postbacks.delivery_log.hits import Hit, key_in
from postbacks.delivery_log.paging import MOST_NEW, count_of, newer_than, pages_of

AT_ONCE: Final = 2  # Exports of one process of the web: each keeps one of its few threads for as long as it is read.
_running: Final = threading.BoundedSemaphore(AT_ONCE)


class FollowedAdmin(BulkActionsAdmin):
    """The log, as a file and followed."""

    def get_urls(self) -> list[URLPattern]:
        def own(name: str, view: Any) -> URLPattern:
            wrapped = self.admin_site.admin_view(never_cache(require_GET(view)))
            pattern: URLPattern = path(f"{name}/", wrapped, name=f"postbacks_delivery_{name.replace('/', '_')}")
            return pattern

        return [
            own("export", self.export_view),
            own("export/progress", self.progress_view),
            own("newer", self.newer_view),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """All that matches the filters, as a download."""
        form = self._form(request)
        how = FORMATS.get(request.GET.get("as", "csv"))
        if how is None or not form.is_valid():
            text = "No export: correct the filters first." if how else "No export: choose CSV or JSON."
            messages.warning(request, text)
            return redirect(f"{reverse(LOG)}?{_filters(request)}")
        if not _running.acquire(blocking=False):
            messages.warning(request, "Other exports are running. Start this one when they are done.")
            return redirect(f"{reverse(LOG)}?{_filters(request)}")
        write, content_type = how
        name = f"deliveries-{timezone.localtime():%Y-%m-%d-%H%M%S}.{request.GET.get('as', 'csv')}"
        return StreamingHttpResponse(
            _Download(request, form.asked, write),
            content_type=content_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def progress_view(self, request: HttpRequest) -> HttpResponse:
        """How far the user's export with this token is."""
        self._require_view(request)
        return JsonResponse(Progress(request.user, request.GET.get("token", "")).read())

    def newer_view(self, request: HttpRequest) -> HttpResponse:
        """How many rows that match the filters come before the one with the key `after`, up to MOST_NEW."""
        form = self._form(request)
        newest = key_in(request.GET.get("after", ""))
        if newest is None or not form.is_valid():
            return JsonResponse({"count": 0, "more": False})
        found = newer_than(newest, form.asked, networks=request.user.has_perm(OPTIMIZE))
        return JsonResponse({"count": min(found, MOST_NEW), "more": found > MOST_NEW})

    def _form(self, request: HttpRequest) -> FilterForm:
        self._require_view(request)
        return FilterForm(request.GET, networks=request.user.has_perm(OPTIMIZE))

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


class _Download:
    """The pieces of the file. Django closes it however the download ends."""

    def __init__(self, request: HttpRequest, asked: Filters, write: Any) -> None:
        self._networks = request.user.has_perm(OPTIMIZE)
        self._progress = Progress(request.user, request.GET.get("progress", ""))
        self._read = partial(records_of, personal=may_see_personal(request))
        self._asked = asked
        self._write = write
        self._zone = timezone.get_current_timezone()  # The file is made when the request is over.
        self._total: int | None = None
        self._rows = 0
        self._ended = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        self._progress.tell(0, None)
        broken = False
        pages = pages_of(self._asked, networks=self._networks)
        pieces = self._write(self._counted(pages), self._read, self._written)
        while True:
            with timezone.override(self._zone):
                piece = next(pieces, None)
            if piece is None:
                break
            broken = broken or piece.startswith(INCOMPLETE) or '"complete": false' in piece[-400:]
            yield piece.encode()
        self._ended = True
        self._progress.tell(self._rows, self._total, "broken" if broken else "done")

    def __del__(self) -> None:
        """An answer that nobody read or closed does not count for ever."""
        if not self._closed:
            _running.release()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            _running.release()
            if not self._ended:
                self._progress.tell(self._rows, self._total, "broken")

    def _counted(self, pages: Iterator[list[Hit]]) -> Iterator[list[Hit]]:
        """The same pages; before the second one, how many rows there will be is counted."""
        for number, hits in enumerate(pages):
            if number == 1:
                self._total = count_of(self._asked, networks=self._networks)
            yield hits

    def _written(self, count: int) -> None:
        self._rows = count
        self._progress.tell(count, self._total)


def _filters(request: HttpRequest) -> str:
    kept = request.GET.copy()
    for name in ("as", "progress"):
        kept.pop(name, None)
    return filters_of(kept)
