"""Roles as groups, and the users that have them."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.roles.groups import write_roles
from accounts.roles.table import PERMISSIONS, Role
from accounts.roles.users import UserError, create_user

pytestmark = pytest.mark.django_db


def permissions_of(group: Group) -> set[str]:
    rows = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def sign_in(client: Client, role: Role) -> User:
    create_user(f"{role}-1", role)
    user = User.objects.get(username=f"{role}-1")
    client.force_login(user)
    return user


@pytest.mark.parametrize("role", list(Role))
def test_after_migrating_each_role_is_a_group_with_just_its_permissions(role: Role) -> None:
    assert permissions_of(Group.objects.get(name=role)) == PERMISSIONS[role]


def test_whatever_a_page_shows_the_administrator_may_see() -> None:
    """A model that comes later must not be forgotten in the table; in a form it would be missing without a word."""
    shown = {model._meta for model in admin.site._registry}
    shown |= {inline.model._meta for each in admin.site._registry.values() for inline in each.inlines}

    assert {f"{each.app_label}.view_{each.model_name}" for each in shown} <= PERMISSIONS[Role.ADMINISTRATOR]


def test_what_was_changed_by_hand_is_put_right_and_other_groups_are_left_alone() -> None:
    viewer = Group.objects.get(name=Role.VIEWER)
    viewer.permissions.add(Permission.objects.get(codename="delete_postback"))
    Group.objects.get(name=Role.OPERATOR).delete()
    own = Group.objects.create(name="finance")
    own.permissions.add(Permission.objects.get(codename="view_action"))

    write_roles()

    assert permissions_of(viewer) == PERMISSIONS[Role.VIEWER]
    assert permissions_of(Group.objects.get(name=Role.OPERATOR)) == PERMISSIONS[Role.OPERATOR]
    assert permissions_of(own) == {"actions.view_action"}


def test_create_user_makes_one_who_can_sign_in_with_the_printed_password(client: Client) -> None:
    printed = StringIO()

    call_command("create_user", "ada", "--role", "operator", "--email", "ada@brand.example", stdout=printed)

    first, _, password = printed.getvalue().strip().partition(" Password: ")
    user = User.objects.get(username="ada")
    assert first == "ada is operator."
    assert len(password) == 20
    assert user.check_password(password)
    assert (user.email, user.is_staff, user.is_superuser) == ("ada@brand.example", True, False)
    assert [group.name for group in user.groups.all()] == ["operator"]


def test_create_user_refuses_a_name_that_is_taken_and_one_that_cannot_be() -> None:
    create_user("ada", Role.VIEWER)

    with pytest.raises(CommandError, match="User ada already exists"):
        call_command("create_user", "ada", "--role", "administrator")
    with pytest.raises(UserError, match="Enter a valid username"):
        create_user("a b", Role.VIEWER)
    assert [(user.username, user.groups.get().name) for user in User.objects.all()] == [("ada", "viewer")]


def test_a_password_that_is_given_follows_the_rules() -> None:
    with pytest.raises(UserError, match="at least 12 characters"):
        create_user("ada", Role.VIEWER, password="b7x-Kq4-9vW")
    assert not User.objects.exists()


def test_users_are_made_on_their_page_and_may_sign_in(client: Client) -> None:
    sign_in(client, Role.ADMINISTRATOR)
    password = "plank-otter-9-violet"
    fields = {
        "username": "grace",
        "groups": [Group.objects.get(name=Role.VIEWER).pk],
        "password1": password,
        "password2": password,
    }

    assert client.post(reverse("admin:auth_user_add"), fields).status_code == 302

    grace = User.objects.get(username="grace")
    assert (grace.is_staff, grace.is_superuser, grace.check_password(password)) == (True, False, True)
    assert [group.name for group in grace.groups.all()] == ["viewer"]


def test_an_administrator_neither_becomes_nor_touches_a_superuser(client: Client) -> None:
    me = sign_in(client, Role.ADMINISTRATOR)
    root = User.objects.create_superuser("root", password="plank-otter-9-violet")
    mine = {"username": me.username, "is_active": "on", "is_superuser": "on", "groups": [me.groups.get().pk]}

    assert client.post(reverse("admin:auth_user_change", args=(me.pk,)), mine).status_code == 302
    assert client.post(reverse("admin:auth_user_change", args=(root.pk,)), mine).status_code == 403
    assert client.post(reverse("admin:auth_user_delete", args=(root.pk,)), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=(root.pk,))).status_code == 403

    me.refresh_from_db()
    root.refresh_from_db()
    assert (me.is_superuser, root.username) == (False, "root")


@pytest.fixture
def helpdesk(client: Client) -> User:
    """May manage users and roles, and else no more than viewers."""
    create_user("helpdesk", Role.VIEWER)
    user = User.objects.get(username="helpdesk")
    group = Group.objects.create(name="helpdesk")
    group.permissions.set(
        Permission.objects.filter(content_type__app_label="auth", content_type__model__in=["user", "group"])
    )
    user.groups.add(group)
    client.force_login(user)
    return user


def test_nobody_gives_more_than_they_have(client: Client, helpdesk: User) -> None:
    viewer, operator = Group.objects.get(name=Role.VIEWER), Group.objects.get(name=Role.OPERATOR)
    url = reverse("admin:auth_user_change", args=(helpdesk.pk,))

    refused = client.post(url, {"username": "helpdesk", "is_active": "on", "groups": [viewer.pk, operator.pk]})
    given = client.post(url, {"username": "helpdesk", "is_active": "on", "groups": [viewer.pk]})

    assert "Select a valid choice" in refused.content.decode()
    assert given.status_code == 302
    assert [group.name for group in helpdesk.groups.all()] == ["viewer"]


def test_nobody_gets_at_more_than_they_have_by_another_s_account(client: Client, helpdesk: User) -> None:
    create_user("grace", Role.VIEWER)
    create_user("ada", Role.OPERATOR)
    grace, ada = User.objects.get(username="grace"), User.objects.get(username="ada")
    passwords = {"password1": "plank-otter-9-violet", "password2": "plank-otter-9-violet", "usable_password": "true"}

    for user, status in ((grace, 302), (ada, 403)):
        answer = client.post(reverse("admin:auth_user_password_change", args=(user.pk,)), passwords)
        assert answer.status_code == status, user

    ada.refresh_from_db()
    assert not ada.check_password("plank-otter-9-violet")


def test_a_role_of_one_s_own_is_given_no_more_than_one_has(client: Client, helpdesk: User) -> None:
    strong = Group.objects.create(name="strong")
    strong.permissions.add(delete := Permission.objects.get(codename="delete_postback"))
    view = Permission.objects.get(codename="view_postback")
    add = reverse("admin:auth_group_add")

    assert "Select a valid choice" in client.post(add, {"name": "mine", "permissions": [delete.pk]}).content.decode()
    assert client.post(add, {"name": "mine", "permissions": [view.pk]}).status_code == 302
    assert client.post(reverse("admin:auth_group_change", args=(strong.pk,)), {"name": "weak"}).status_code == 403
    assert permissions_of(Group.objects.get(name="mine")) == {"postbacks.view_postback"}


def test_the_three_roles_are_seen_and_not_edited(client: Client) -> None:
    sign_in(client, Role.ADMINISTRATOR)
    viewer = Group.objects.get(name=Role.VIEWER)
    own = Group.objects.create(name="finance")

    assert client.get(reverse("admin:auth_group_change", args=(viewer.pk,))).status_code == 200
    assert client.post(reverse("admin:auth_group_change", args=(viewer.pk,)), {"name": "v"}).status_code == 403
    assert client.post(reverse("admin:auth_group_delete", args=(viewer.pk,)), {"post": "yes"}).status_code == 403
    assert client.post(reverse("admin:auth_group_delete", args=(own.pk,)), {"post": "yes"}).status_code == 302
    assert sorted(Group.objects.values_list("name", flat=True)) == ["administrator", "operator", "viewer"]
