"""The page on which users choose the time zone of their screens."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.time_zone.model import SERVERS, ChosenTimeZone, choose_zone
from partners.local_times import current_zone

URL_NAME: Final = "time_zone"
# Other names of zones that have one, and those whose signs are the reverse of what they look like.
_LEFT_OUT: Final = ("Etc/", "SystemV/", "US/", "Brazil/", "Canada/", "Chile/", "Mexico/", "posix/", "right/")


class TimeZoneForm(forms.Form):
    """One of the zones, the server's, or the browser's, which is the empty choice."""

    zone = forms.ChoiceField(
        label="Time zone",
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="Of all times that you see and type on these pages. The API and commands are not affected.",
    )

    def __init__(self, given: QueryDict | None, *, chosen: str) -> None:
        super().__init__(given, initial={"zone": chosen})
        field = self.fields["zone"]
        field.choices = zone_choices(chosen)  # type: ignore[attr-defined]  # of a choice


def zone_choices(chosen: str = "") -> list[tuple[str, Any]]:
    """All zones by their areas. One that was chosen and is left out since stays among them."""
    names = sorted(each for each in available_timezones() if "/" in each and not each.startswith(_LEFT_OUT))
    if chosen and chosen not in names and chosen not in ("UTC", SERVERS):
        names = [chosen, *names]
    areas = [
        (area, [(name, name.replace("_", " ")) for name in group])
        for area, group in groupby(names, key=lambda name: name.partition("/")[0])
    ]
    first = [
        ("", "The one that my browser names"),
        (SERVERS, f"The server's, now {settings.TIME_ZONE}"),
        ("UTC", "UTC"),
    ]
    return [*first, *areas]


def time_zone_page(request: HttpRequest) -> HttpResponse:
    """Shows the choice; by POST, keeps it and goes back to the page that one came from."""
    user: Any = request.user
    chosen = ChosenTimeZone.objects.filter(pk=user.pk).values_list("name", flat=True).first() or ""
    form = TimeZoneForm(request.POST or None, chosen=chosen)
    if request.method == "POST" and form.is_valid():
        choose_zone(user.pk, form.cleaned_data["zone"])
        messages.success(request, "Your time zone was saved.")
        return redirect(_next(request))
    context = {
        **admin.site.each_context(request),
        "title": "Time zone",
        "form": form,
        "now": timezone.now(),
        "zone": current_zone(),
        "next": _next(request),
    }
    return TemplateResponse(request, "accounts/time_zone.html", context)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse(URL_NAME)
