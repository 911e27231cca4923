"""The form of the sign-in page."""

from __future__ import annotations

from typing import Any

from unfold.forms import AuthenticationForm


class SignInForm(AuthenticationForm):  # type: ignore[misc]  # the theme has no types
    """The theme's form, in our words: they do not tell whether there is such a user."""

    error_messages: Any = {
        **AuthenticationForm.error_messages,
        "invalid_login": "No active user has this name with this password. Upper and lower case count in both. An "
        "administrator can give you a new password.",
    }
