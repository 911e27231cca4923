"""Times in templates: `{{ delivery.created_at|moment }}`, and the zone that they are in. Every template has them."""

from typing import Any

from django import template

from partners.local_times import current_zone, shown, shown_with_zone

register = template.Library()
register.filter("moment", shown_with_zone)
register.filter("moment_text", shown)  # Within an attribute.
register.simple_tag(current_zone)


@register.filter
def contents(field: Any) -> Any:
    """What a read-only field of the admin shows: of a time, with its zone."""
    resolved = field.resolved_field
    if resolved and getattr(resolved[2], "utcoffset", None) is not None and hasattr(resolved[2], "hour"):
        return shown_with_zone(resolved[2])
    return field.contents()
