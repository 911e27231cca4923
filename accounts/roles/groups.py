"""The roles as groups of the database, written after each `migrate`.

A data migration would not work: Django creates the permissions of a model only after all migrations have run, so on a
new database there would be none to assign. This way, later models get their permissions from the same table too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from auditlog.context import disable_auditlog
from django.contrib.auth.models import Group, Permission
from django.db import DEFAULT_DB_ALIAS

from accounts.roles.table import PERMISSIONS, Role


def write_roles(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Gives the group of each role exactly the permissions in the table. Writes only what differs."""
    ids = permission_ids(PERMISSIONS[Role.ADMINISTRATOR], using)
    with disable_auditlog():  # Not a user's change: it comes with the version.
        for role in Role:
            group, _ = Group.objects.using(using).get_or_create(name=role)
            group.permissions.set(ids[each] for each in PERMISSIONS[role] if each in ids)


def permission_ids(names: Collection[str], using: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """The ids of those of these permissions, named `app.codename`, that exist."""
    rows = Permission.objects.using(using).filter(codename__in={name.partition(".")[2] for name in names})
    found = rows.values_list("pk", "content_type__app_label", "codename")
    return {name: key for key, app, codename in found if (name := f"{app}.{codename}") in names}
