"""A list answers only the filters, the order and the search that its page offers: all else would be an oracle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.roles.table import Role
from actions.models import Action, ActionEvent
from partners.admin_kit import ModelAdmin
from partners.models import Partner
from tests.support.addresses import make_a_row_of_each
from tests.support.factories import (
    make_media_source,
    make_partner,
    make_postback,
    make_term,
    make_tracker,
    record_action,
)

pytestmark = pytest.mark.django_db

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label_lower)
# Delivery log and held lanes have lists of their own, with a form for their filters.
OWN_LISTS = {"postbacks.delivery", "postbacks.lane"}
LISTS = [model for model in REGISTERED if model._meta.label_lower not in OWN_LISTS]
ASKED = ("", "__exact", "__iexact", "__startswith", "__regex", "__contains", "__gte", "__lt", "__range", "__in")
EMAIL = "jane.roe@customer.example"


def name_of(model: type[Model]) -> str:
    return model._meta.label_lower


@pytest.fixture
def viewer() -> Client:
    user = User.objects.create_user("watcher", is_staff=True)
    user.groups.set([Group.objects.get(name=Role.VIEWER)])
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.mark.parametrize("model", REGISTERED, ids=name_of)
def test_each_page_of_the_admin_is_built_on_the_base_that_refuses(model: type[Model]) -> None:
    assert isinstance(admin.site._registry[model], ModelAdmin)


@pytest.mark.parametrize("model", REGISTERED, ids=name_of)
def test_no_lookup_is_allowed_but_those_of_its_filters(model: type[Model]) -> None:
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True)
    page = admin.site._registry[model]
    filtered: set[Any] = {each[0] if isinstance(each, tuple) else each for each in page.get_list_filter(request)}
    filtered |= {page.date_hierarchy}

    for path in paths_of(model):
        if path.split("__")[0] not in filtered:
            for ask in ASKED:
                assert not page.lookup_allowed(path + ask, "a", request), path + ask
    for path in filtered - {None}:
        for ask in ("__regex", "__iregex", "__startswith", "__contains", "__range", "__in", "__gt"):
            assert not page.lookup_allowed(f"{path}{ask}", "a", request), f"{path}{ask}"


@pytest.mark.parametrize("model", LISTS, ids=name_of)
def test_a_list_refuses_what_its_page_does_not_offer(root: Client, model: type[Model]) -> None:
    root.raise_request_exception = False
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for lookup in ("id__range", "pk__in", "id__gt", "pk", *(f"{path}__startswith" for path in own_paths(model))):
        assert root.get(f"{address}?{lookup}=1").status_code == 400, lookup


@pytest.mark.parametrize("model", LISTS, ids=name_of)
def test_a_list_answers_each_filter_that_its_page_links_to(root: Client, model: type[Model]) -> None:
    make_a_row_of_each()
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    request = RequestFactory().get(address)
    request.user = User.objects.get(is_superuser=True)
    changes = admin.site._registry[model].get_changelist_instance(request)
    links = [str(choice["query_string"]) for spec in changes.filter_specs for choice in spec.choices(changes)]

    for link in links:
        assert root.get(address + link).status_code == 200, link


@pytest.mark.parametrize(
    "lookup",
    ["reported__CustomerEmail__startswith", "reported__icontains", "events__parameters__CustomerEmail__startswith"],
)
def test_a_viewer_reads_no_address_letter_by_letter(viewer: Client, lookup: str) -> None:
    a_customers_action()
    answer = viewer.get(f"/admin/actions/action/?{lookup}={EMAIL[0]}")
    assert answer.status_code == 400


@pytest.mark.parametrize("value", [EMAIL, EMAIL[:6], "198.51.100.7", "customer-77"])
def test_a_search_finds_nothing_by_personal_data(viewer: Client, value: str) -> None:
    a_customers_action()
    for model in LISTS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        found, nothing = (viewer.get(f"{address}?q={quote(term)}") for term in (value, "no such value"))
        assert found.status_code == nothing.status_code
        assert rows_in(found) == rows_in(nothing) == 0, name_of(model)


def test_a_column_that_is_not_offered_orders_nothing(root: Client) -> None:
    a_customers_action()
    request = RequestFactory().get("/admin/actions/action/?o=6.-7")
    request.user = User.objects.get(is_superuser=True)
    changes = admin.site._registry[Action].get_changelist_instance(request)
    assert [str(name).lstrip("-") for name in changes.get_ordering(request, changes.root_queryset)] == ["pk"]


def test_facets_of_a_large_table_are_not_counted(root: Client) -> None:
    request = RequestFactory().get("/admin/actions/action/?_facets=True")
    request.user = User.objects.get(is_superuser=True)
    assert not admin.site._registry[Action].get_changelist_instance(request).add_facets


@pytest.mark.parametrize("field", ["order_id", "reported", "status", "", "pk\0"])
def test_a_pop_up_finds_rows_by_their_id_alone(root: Client, field: str) -> None:
    root.raise_request_exception = False
    a_customers_action()
    action = Action.objects.get()
    answer = root.get(f"/admin/actions/action/{action.order_id}/change/?_to_field={quote(field)}")
    assert answer.status_code in (302, 400)
    assert answer.status_code == 400 or answer.headers["Location"] == "/admin/"  # No such row.


def test_a_search_longer_than_any_name_finds_nothing_at_once(root: Client, partner: Partner) -> None:
    assert rows_in(root.get(f"/admin/partners/partner/?q={partner.name}")) == 1
    assert rows_in(root.get(f"/admin/partners/partner/?q={quote('Compass ' * 100)}")) == 0


def test_a_filter_with_no_such_value_leads_to_the_whole_list_and_says_so(root: Client) -> None:
    answer = root.get("/admin/partners/exchangerate/?date__year=9999", follow=True)
    assert "A filter in the address is not valid here" in answer.content.decode()


def test_the_log_names_no_networks_postback_to_whom_networks_are_hidden(client: Client) -> None:
    secret = make_postback(make_tracker(), make_media_source(name="Lighthouse Media"), name="Told to nobody")
    user = User.objects.create_user("half", is_staff=True)
    group = Group.objects.create(name="half")
    group.permissions.set(Group.objects.get(name=Role.VIEWER).permissions.exclude(codename="view_mediasource"))
    user.groups.set([group])
    client.force_login(user)

    page = client.get(f"/admin/postbacks/delivery/?postback={secret.pk}").content.decode()

    assert "Told to nobody" not in page
    assert f"Postback: {secret.pk}" in page


def a_customers_action() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    event = record_action(tracker, partner, IpAddressPlain="198.51.100.7", deviceId="customer-77")
    # Earlier releases kept a plain address.
    Action.objects.update(reported={**event.action.reported, "CustomerEmail": EMAIL})
    assert ActionEvent.objects.get().parameters["deviceId"] == "customer-77"


def rows_in(answer: Any) -> int:
    page = answer.content.decode()
    return len(re.findall(r'name="_selected_action"|class="action-select"|<tr class="[^"]*result', page))


def own_paths(model: type[Model]) -> list[str]:
    return [field.name for field in model._meta.get_fields() if not field.is_relation]


def paths_of(model: type[Model]) -> Iterator[str]:
    """The fields, those of what they refer to, and keys inside of documents."""
    for field in model._meta.get_fields():
        name = field.name
        yield name
        yield f"{name}__CustomerEmail"
        related: Any = field.related_model
        if field.is_relation and related is not None:
            yield from (f"{name}__{each}" for each in own_paths(related))
