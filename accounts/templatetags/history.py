"""The history of a row, for the admin page that shows it."""

from django import template

from accounts.audit.words import history_of

register = template.Library()
register.simple_tag(history_of)
