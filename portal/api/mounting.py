"""Puts the partner API beside the others: the same rates, errors and document; other tokens."""

from __future__ import annotations

from typing import Final

from ninja import NinjaAPI

from portal.api import deliveries, postbacks, proposals, trying
from portal.api.authority import NoLinkError, answer_no_link

ROOT: Final = "/api/v1/partner"


def mount(api: NinjaAPI) -> None:
    """Add the addresses below `/api/v1/partner`."""
    api.add_exception_handler(NoLinkError, answer_no_link)
    api.add_router(f"{ROOT}/postbacks", postbacks.router)
    api.add_router(f"{ROOT}/postbacks", trying.router)
    api.add_router(f"{ROOT}/proposals", proposals.router)
    api.add_router(f"{ROOT}/deliveries", deliveries.router)
    api.add_router(ROOT, deliveries.orders)
