"""Creates users."""

from __future__ import annotations

import secrets

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.roles.table import Role


class UserError(ValueError):
    """A user cannot be created; the text says why, and what to do."""


@transaction.atomic
def create_user(name: str, role: Role, *, email: str = "", password: str = "") -> str:
    """Creates a user with this role; returns the password, a random one if none is given. Raises `UserError`."""
    if User.objects.filter(username=name).exists():
        raise UserError(f"User {name} already exists. Change roles under Settings → Users.")
    chosen = password or secrets.token_urlsafe(15)
    user = User(username=name, email=email, is_staff=True)
    try:
        validate_password(chosen, user)
        user.set_password(chosen)
        user.full_clean()
    except ValidationError as error:
        raise UserError(" ".join(error.messages)) from error
    user.save()
    user.groups.add(Group.objects.get(name=role))
    return chosen
