"""The history of a row, for the pages that show it."""

from django import template

from accounts.audit.words import changed_since, history_of

register = template.Library()
register.simple_tag(history_of)
register.simple_tag(changed_since)
