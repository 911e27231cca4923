"""Puts the management API beside the conversion API: the same tokens, rates, errors and document."""

from __future__ import annotations

from typing import Final

from ninja import NinjaAPI

from postbacks.api import deliveries, partners, postbacks, signing, trying
from postbacks.api.refusals import RefusedError, answer_refused

ROOT: Final = "/api/v1"


def mount(api: NinjaAPI) -> None:
    """Add the addresses below `/api/v1`."""
    api.add_exception_handler(RefusedError, answer_refused)
    api.add_router(f"{ROOT}/postbacks", trying.router)  # Before `/postbacks/{id}`.
    api.add_router(f"{ROOT}/postbacks", postbacks.router)
    api.add_router(f"{ROOT}/postbacks", signing.router)
    api.add_router(f"{ROOT}/deliveries", deliveries.router)
    api.add_router(f"{ROOT}/partners", partners.partners)
    api.add_router(f"{ROOT}/contracts", partners.contracts)
