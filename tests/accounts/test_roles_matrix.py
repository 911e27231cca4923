"""Each role, each address of the admin, GET and POST: allowed or refused as the tables of docs/roles.md say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver, resolve, reverse

from accounts.roles.table import Role
from tests.support import roles_table
from tests.support.addresses import filled, key_of, make_a_row_of_each, patterns

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST")
WHO = [*Role, "no role", "not signed in"]
# What Django itself allows every signed-in user, with or without a role.
FOR_ALL_SIGNED_IN = {"/admin/", "/admin/password_change/", "/admin/password_change/done/", "/admin/jsi18n/"}
FOR_ALL_SIGNED_IN |= {"/admin/search/"}
# Ways in and out, and an address that only pages of the public would have.
LEFT_OUT = {"login", "logout", "view_on_site"}


@pytest.fixture(autouse=True)
def _rows() -> None:
    make_a_row_of_each()


def signed_in_user(who: str) -> User:
    user = User.objects.create_user(who, is_staff=True)
    user.groups.set(Group.objects.filter(name=who))
    return user


def signed_in(who: str) -> Client:
    client = Client()
    if who != "not signed in":
        client.force_login(signed_in_user(who))
    return client


def answer(client: Client, path: str, method: str) -> Any:
    """What is answered; whatever was done is undone."""
    with transaction.atomic():
        given = client.generic(method, path)
        transaction.set_rollback(True)
    return given


def verdict(response: HttpResponse) -> str:
    """allowed, refused, or what else came."""
    if response.status_code == 302 and urlsplit(response.headers["Location"]).path == reverse("admin:login"):
        return "sign in"
    known = {200: "allowed", 302: "allowed", 403: "refused", 404: "refused"}
    return known.get(response.status_code, str(response.status_code))


Expected = Iterator[tuple[str, str, bool]]
"""Path, method, and whether the role may."""


def of_pages(who: str) -> Expected:
    for row in roles_table.pages():
        verbs = row.verbs[Role(who)] if who in list(Role) else frozenset()
        base = f"/admin/{row.model.replace('.', '/')}/"
        one = f"{base}{key_of(row.model)}/"
        for path, method, verb in (
            *((base, method, "see") for method in METHODS),
            *((f"{base}add/", method, "add") for method in METHODS),
            (f"{one}change/", "GET", "see"),
            (f"{one}change/", "POST", "change"),
            *((f"{one}delete/", method, "delete") for method in METHODS),
            *((f"{one}history/", method, "see") for method in METHODS),
        ):
            yield path, method, verb in verbs


def of_addresses(who: str) -> Expected:
    for row in roles_table.addresses():
        path = filled(row.path)
        for method in row.methods:
            yield path, method, who in row.roles or (who == "no role" and path in FOR_ALL_SIGNED_IN)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("rows", [of_pages, of_addresses])
def test_each_address_answers_each_role_as_the_tables_say(rows: Callable[[str], Expected], who: str) -> None:
    client = signed_in(who)
    wrong = []
    for path, method, allowed in rows(who):
        expected = "sign in" if who == "not signed in" else "allowed" if allowed else "refused"
        found = verdict(answer(client, path, method))
        if found != expected:
            wrong.append(f"{method} {path}: {found}, and the table says {expected}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", WHO[:-1])
def test_addresses_take_no_other_method_than_the_table_says(who: str) -> None:
    client = signed_in(who)
    for row in roles_table.addresses():
        if row.methods == {"POST"}:
            assert answer(client, filled(row.path), "GET").status_code in (403, 405), row.path


def test_the_tables_have_every_address_of_the_admin() -> None:
    pages = {row.model.replace(".", "_") for row in roles_table.pages()}
    covered = {f"{page}_{verb}" for page in pages for verb in ("changelist", "add", "change", "delete", "history")}
    covered |= {str(resolve(urlsplit(filled(row.path)).path).url_name) for row in roles_table.addresses()}
    (below,) = (each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "admin")
    names = {each.name for each in patterns(below) if each.name}

    missing = sorted(names - covered - LEFT_OUT)

    assert not missing, f"docs/roles.md says of these addresses nothing; add a row for each: {missing}"
    assert covered <= names, f"docs/roles.md names addresses that are none: {sorted(covered - names)}"


@pytest.mark.parametrize("who", WHO[:-1])
def test_actions_on_chosen_rows_are_offered_as_the_table_says(who: str) -> None:
    request = RequestFactory().get("/")
    request.user = signed_in_user(who)
    expected = {(row.model, row.name) for row in roles_table.actions() if who in row.roles}
    expected |= {
        (row.model, "delete_selected")
        for row in roles_table.pages()
        if who in list(Role) and "delete" in row.verbs[Role(who)]
    }
    offered = {
        (model._meta.label_lower, name)
        for model, model_admin in admin.site._registry.items()
        for name in model_admin.get_actions(request)
    }
    assert offered == expected


@pytest.mark.parametrize("who", [Role.VIEWER, "no role"])
def test_an_action_that_is_not_offered_is_not_done(who: str) -> None:
    client = signed_in(who)
    before = everything()
    for row in roles_table.actions():
        path = f"/admin/{row.model.replace('.', '/')}/"
        fields = {"action": row.name, "_selected_action": key_of(row.model), "post": "yes"}
        client.post(path, fields)
        client.post(path, {**fields, "action": "delete_selected"})
    assert everything() == before


def everything() -> list[tuple[Any, ...]]:
    """All rows of what actions on chosen rows could change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'p', id::text, postback::text FROM postbacks_postback postback")
        rows = cursor.fetchall()
        for table in ("actions_submission", "actions_apitoken", "partners_heldrate", "postbacks_delivery"):
            cursor.execute(f"SELECT '{table}', id::text, each::text FROM {table} each")  # noqa: S608 -- names of ours
            rows += cursor.fetchall()
    return sorted(rows)
