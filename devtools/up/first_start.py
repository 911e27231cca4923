"""The administrator of a new database."""

import secrets
from pathlib import Path

from django.contrib.auth import get_user_model

from environment.variables import data_dir

ADMIN_NAME = "admin"


def password_file() -> Path:
    """Return the path of the file with the administrator's first password, readable only by its owner."""
    return data_dir() / "admin-password"


def create_administrator() -> str | None:
    """Create the first administrator with a random password and return the password; `None` if there is one already."""
    users = get_user_model()
    if users.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    path = password_file()
    path.touch(mode=0o600)
    path.write_text(f"{password}\n")
    users.objects.create_superuser(username=ADMIN_NAME, password=password)
    return password
