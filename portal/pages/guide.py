"""How to write a receiver, with programs."""

from __future__ import annotations

from django.http import HttpResponse

from portal.guide import page as text
from portal.pages.visit import READING, Visit, page


@page(*READING)
def guide(visit: Visit) -> HttpResponse:
    return visit.show("guide", here="guide", text=text())
