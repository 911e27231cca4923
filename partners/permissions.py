"""Permissions that the screens of several apps ask for, by the names that Django knows them by."""

from __future__ import annotations

from typing import Final

SEE_PERSONAL: Final = "actions.view_personal_data"
"""To see personal data of customers."""
