"""The pages of this app; Django looks for them here."""

from people.roles import admin as roles_admin

__all__ = ["roles_admin"]
