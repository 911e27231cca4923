"""Who uses the screens."""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import Permission, User

_OURS = ("partners", "optimize_sources", "actions", "postbacks")


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    VIEWER = "viewer"


def make_user(role: Role) -> User:
    """A user with the permissions of the role: an administrator may do all, an operator all but to manage users, a
    viewer only look."""
    user = User.objects.create_user(str(role), is_staff=True, is_superuser=role is Role.ADMINISTRATOR)
    ours = Permission.objects.filter(content_type__app_label__in=_OURS)
    if role is Role.OPERATOR:
        user.user_permissions.set(ours)
    if role is Role.VIEWER:
        user.user_permissions.set(ours.filter(codename__startswith="view_"))
    return user
