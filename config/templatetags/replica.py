"""How old what a page shows may be."""

from __future__ import annotations

from django import template

from stores.replica import reading

register = template.Library()


@register.simple_tag
def replica_age() -> str:
    """A sentence for the foot of a page that was read from a replica; else nothing."""
    now = reading.current()
    if now is None or now.lag is None:
        return ""
    return f"Read from a replica, at most {now.lag + 1:.0f} s behind."
