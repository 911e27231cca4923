"""The paths of the admin's pages to which notices lead, below PUBLIC_URL.

`reverse` would load every page first. That takes a worker more than a second of a processor, at the moment at which
destinations begin to fail, and the deliveries to all others wait for it. So these follow the admin's own form.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Model

DASHBOARD: Final = "/admin/"


def list_of(model: type[Model]) -> str:
    of_model = model._meta.label_lower.replace(".", "/")  # noqa: SLF001 -- Django's documented interface
    return f"{DASHBOARD}{of_model}/"


def page(model: type[Model], pk: int) -> str:
    return f"{list_of(model)}{pk}/change/"


def page_of(row: Model) -> str:
    return page(type(row), row.pk)
