"""When the screens of the admin are loaded: at the start, as Django does it, or not before a page is asked for."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig

_put_off = False


class Screens(SimpleAdminConfig):
    """Django's admin. `config/urls.py` loads its screens too, so that no page can be without them."""

    def ready(self) -> None:
        super().ready()
        if not _put_off:
            admin.autodiscover()


def put_off() -> None:
    """Load no screens at the start, which takes half a second. To be called before Django is set up."""
    global _put_off  # noqa: PLW0603 -- Django makes the app itself, and knows nothing of who starts it
    _put_off = True
