"""The admin pages of this app; Django looks for them here."""

from accounts.audit import admin as history_admin
from accounts.roles import admin as roles_admin

__all__ = ["history_admin", "roles_admin"]
