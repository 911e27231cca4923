"""The roles as groups of the database, written after each `migrate`.

A data migration could not do it: Django makes the permissions of a model only after all migrations have run, so on a
new database there would be none to give. And a model that comes later gets its permissions by the same table.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from auditlog.context import disable_auditlog
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS

from accounts.roles.table import PERMISSIONS, Role


def write_roles(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Gives the group of each role the permissions of the table, no more and no less. Writes only what differs."""
    ids = permission_ids(PERMISSIONS[Role.ADMINISTRATOR], using)
    with disable_auditlog():  # Nobody changes anything here: the version says so.
        for role in Role:
            group, _ = Group.objects.using(using).get_or_create(name=role)
            group.permissions.set(ids[each] for each in PERMISSIONS[role] if each in ids)


def permission_ids(names: Collection[str], using: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """The keys of the permissions named as `app.codename`; of those that there are."""
    rows = Permission.objects.using(using).filter(codename__in={name.partition(".")[2] for name in names})
    found = rows.values_list("pk", "content_type__app_label", "codename")
    return {name: key for key, app, codename in found if (name := f"{app}.{codename}") in names}
