"""The pages of users and of roles."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelect2MultipleWidget

from accounts.roles.groups import permission_ids
from accounts.roles.table import PERMISSIONS, Role
from partners.admin_kit import ModelAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[type-arg,misc]  # parameters and hooks that mypy alone sees
    """Every user may sign in; roles decide what they may do."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password", ("first_name", "last_name"), "email")}),
        ("What the user may do", {"fields": ("is_active", "groups", "is_superuser")}),
        ("Dates", {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "groups", "password1", "password2")}),)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        kwargs |= {"label": "Roles", "help_text": "The user may do what any of them allows."}
        kwargs["queryset"] = Group.objects.filter(pk__in=_groups_within(request.user)).order_by("name")
        kwargs["widget"] = UnfoldAdminSelect2MultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser may make others superusers."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.is_staff = True
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._may_touch(request, obj) and super().has_delete_permission(request, obj)

    def _may_touch(self, request: HttpRequest, obj: User | None) -> bool:
        """Users may not change accounts with more permissions than their own, for example to set a password."""
        if obj is None or request.user.is_superuser:
            return True
        return not obj.is_superuser and obj.get_all_permissions() <= request.user.get_all_permissions()

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        names = ["superuser"] if user.is_superuser else []
        return ", ".join([*names, *(group.name for group in user.groups.all())]) or "-"


@admin.register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    """The three roles are fixed; users can add others."""

    list_title = "Roles"

    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        """Offers the permissions that our pages check. Others in Django's tables have no effect."""
        own = request.user.get_all_permissions() if request else set()
        keys = permission_ids(PERMISSIONS[Role.ADMINISTRATOR] & own).values()
        kwargs["queryset"] = Permission.objects.filter(pk__in=keys).select_related("content_type")
        kwargs["widget"] = UnfoldAdminSelect2MultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return self._may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return self._may_touch(request, obj) and super().has_delete_permission(request, obj)

    def _may_touch(self, request: HttpRequest, obj: Group | None) -> bool:
        return obj is None or (obj.name not in list(Role) and obj.pk in _groups_within(request.user))


def _groups_within(user: Any) -> list[int]:
    """The groups that allow nothing beyond the user's own permissions: only these may they assign or change."""
    own = user.get_all_permissions()
    groups = Group.objects.prefetch_related("permissions__content_type")
    return [
        group.pk
        for group in groups
        if all(f"{each.content_type.app_label}.{each.codename}" in own for each in group.permissions.all())
    ]
