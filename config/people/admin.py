"""The pages of this app; Django looks for them here."""

from config.people.history import admin as history_admin
from config.people.roles import admin as roles_admin

__all__ = ["history_admin", "roles_admin"]
