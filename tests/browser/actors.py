"""Who uses the screens."""

from __future__ import annotations

from django.contrib.auth.models import Group, User

from accounts.roles.table import Role

__all__ = ["Role", "make_user"]


def make_user(role: Role) -> User:
    """A user whose name is that of the role. Without a password: hashing one takes longer than most tests."""
    user = User.objects.create_user(str(role), is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user
