"""Whatever an address is asked, it answers: each page and endpoint, by each role, with values that nobody types.

Which requests are made is drawn by chance, and the same with each run. `make fuzz` draws others, and more:
FUZZ_REQUESTS and FUZZ_SEED.
"""

from __future__ import annotations

import base64
import os
import random
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.roles.table import Role
from actions.api.tokens import create_token
from tests.support.addresses import key_of, make_a_row_of_each

pytestmark = pytest.mark.django_db

REQUESTS: Final = int(os.environ.get("FUZZ_REQUESTS", "500"))
SEED: Final = os.environ.get("FUZZ_SEED", "1")
VALUES: Final = (
    *("", "0", "1", "-1", "1.5", "1e999", "NaN", "Infinity", "1_000", "9" * 19, "9" * 40, "\u0663", "\u00b2", "0x1"),
    *("abc", "None", "True", "1,2", "1.2", ".", "..", "-", "~", "%", "%00", "%s", "'", '"', "\\", "(?<", "(a+)+$", "*"),
    *("{", "{}", '{"a":[', "[" * 3000, "<a>", "a" * 256, "a " * 400, "\0", "a\0b", "\r\nX: 1", "\u202e", "\U0001f600"),
    *("0001-01-01", "0000-00-00", "9999-12-31", "9999-12-31T23:59:59", "2026-02-30", "2026-11-26T99:99", "24:00"),
)
LOOKUPS: Final = ("", "exact", "range", "in", "regex", "startswith", "isnull", "gte", "lt", "year", "date", "contains")
NAMES: Final = (
    *("q", "o", "p", "e", "all", "page", "s", "term", "app_label", "model_name", "field_name", "before", "after"),
    *("_facets", "_popup", "_to_field", "_changelist_filters", "next", "since", "until", "state", "postback", "replay"),
    *(
        "owner",
        "like",
        "hours",
        "span",
        "days",
        "ids",
        "chosen",
        "action",
        "_selected_action",
        "select_across",
        "index",
    ),
    *("sure", "send", "test_send_action", "test_send_postback", "from-held", "extended", "chart", "language"),
    *("OrderId", "ActionId", "CampaignId", "StartDate", "EndDate", "PageSize", "BeforeId", "AfterId", "State"),
    *("ActionTrackerId", "MediaPartnerId", "EventDate", "Amount", "Reason", "CustomerEmail", "ItemSku1", "Quantity1"),
)
DOCUMENTS: Final = ('{"OrderId":"\\u0000"}', '{"OrderId":"\\ud800"}', "[" * 9000, "1e999", '{"a":', "{}", "\0", "")
METHODS: Final = ("GET", "GET", "GET", "POST", "POST", "PUT", "DELETE")
FORMS: Final = ("application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", "text/csv")


@pytest.fixture
def clients() -> list[Client]:
    """One of each role, one of nobody, and one of a program with a token."""
    make_a_row_of_each()
    users = [User.objects.create_superuser("root")]
    for role in Role:
        users.append(User.objects.create_user(role, is_staff=True))
        users[-1].groups.set(Group.objects.filter(name=role))
    clients = [Client(raise_request_exception=False) for _ in range(len(users) + 1)]
    for client, user in zip(clients, users, strict=False):
        client.force_login(user)
    token, text = create_token("fuzz")
    basic = base64.b64encode(f"{token.account_sid}:{text}".encode()).decode()
    return [*clients, Client(raise_request_exception=False, headers={"Authorization": f"Basic {basic}"})]


def test_no_address_fails_whatever_it_is_asked(clients: list[Client]) -> None:
    drawn = random.Random(SEED)  # noqa: S311 -- no secret
    routes = sorted(routes_below(get_resolver()))
    failed = []
    for number in range(REQUESTS):
        who = drawn.randrange(len(clients))
        method, path, query, form, body = a_request(drawn, routes[number % len(routes)])
        with transaction.atomic():
            answer = clients[who].generic(method, f"{path}?{query}", body, content_type=form)
            if is_fault(answer):
                failed.append((who, method, f"{path}?{query}"[:300], form, body[:300], why(answer)))
            transaction.set_rollback(True)
    assert not failed, "\n".join(map(str, failed))


@pytest.mark.parametrize(
    "address",
    [
        "/admin/actions/action/?status__exact=%00",
        "/admin/actions/action/?id__range=1",
        "/admin/actions/action/?q=%00",
        "/admin/actions/action/%00/change/",
        "/admin/postbacks/delivery/?since=0001-01-01",
        "/admin/postbacks/delivery/?until=9999-12-31T23:59:59",
        "/admin/postbacks/postback/add/?partner=abc",
        f"/admin/postbacks/postback/add/?partner={'9' * 30}",
        "/admin/partners/exchangerate/?date__year=9999",
        "/admin/partners/exchangerate/?date__year=9999&date__month=12&date__day=31",
        "/admin/partners/exchangerate/?date__month=5",
        "/admin/search/?q=%C2%B2&list=1",
        f"/admin/search/?q={'9' * 30}",
        "/admin/autocomplete/?app_label=postbacks&model_name=postback&field_name=partner&page=abc",
        "/admin/partners/partner/?_to_field=%00",
        "/admin/partners/program/?p=abc",
        "/admin/?hours=%C2%B2",
    ],
    ids=lambda address: quote(address, safe="/?=&%")[7:60],
)
def test_what_an_address_cannot_mean_is_no_fault(root: Client, address: str) -> None:
    make_a_row_of_each()
    root.raise_request_exception = False
    assert not is_fault(root.get(address))


@pytest.mark.parametrize("path", ["{sid}/Actions?OrderId=%00", "a%00b/Actions", "{sid}/Actions/%00", "{sid}/%00"])
def test_the_api_refuses_a_nul_in_its_own_shape(path: str) -> None:
    token, text = create_token("shop")
    basic = base64.b64encode(f"{token.account_sid}:{text}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
    client = Client(raise_request_exception=False, headers=headers)

    answer = client.get(f"/Advertisers/{path.format(sid=token.account_sid)}")

    assert answer.status_code == (400 if "?" in path else 404)
    assert answer.json()["Status"] == "ERROR"


def is_fault(answer: Any) -> bool:
    return bool(answer.status_code >= 500)


def why(answer: Any) -> str:
    """The error that nobody caught, with its place in the code."""
    kind, error, trace = getattr(answer, "exc_info", None) or (None, None, None)
    frames = [f"{Path(each.filename).name}:{each.lineno}" for each in traceback.extract_tb(trace)[-4:]] if trace else []
    return f"{answer.status_code} {getattr(kind, '__name__', '')}: {str(error)[:200]} at {' '.join(frames)}"


def routes_below(resolver: Any, prefix: str = "/") -> Iterator[str]:
    """Every address of the URL conf, its arguments as they are written there."""
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern).lstrip("^")
        if isinstance(each, URLResolver):
            yield from routes_below(each, route)
        elif isinstance(each, URLPattern):
            yield route


def a_request(drawn: random.Random, route: str) -> tuple[str, str, str, str, str]:
    """Method, path, query, content type and body."""
    model = re.match(r"/admin/(\w+)/(\w+)/", route)
    names = [*NAMES, *(_lookup(drawn, *model.groups()) for _ in range(20) if model)]
    path = re.sub(r"<[^>]*>|\(\?P.*?\)", lambda _: quote(_argument(drawn, model), safe=""), route)
    path = re.sub(r"[$^\\]|\(.*", "", path)
    method, form = drawn.choice(METHODS), drawn.choice(FORMS)
    query = _pairs(drawn, names)
    return method, path, query, form, drawn.choice(DOCUMENTS) if "json" in form else _pairs(drawn, names)


def _argument(drawn: random.Random, model: re.Match[str] | None) -> str:
    if model and drawn.random() < 0.5:
        try:
            return str(key_of(f"{model[1]}.{model[2]}"))
        except (LookupError, IndexError):
            return "1"
    return drawn.choice(VALUES)[:300]


def _lookup(drawn: random.Random, app: str, name: str) -> str:
    try:
        model = apps.get_model(app, name)
    except LookupError:
        return "id"
    field = drawn.choice([each.name for each in model._meta.get_fields()])
    offered = [each for each in admin.site._registry[model].list_filter if isinstance(each, str)]
    name = drawn.choice([field, *offered])
    return "__".join(filter(None, [name, drawn.choice(LOOKUPS)]))


def _pairs(drawn: random.Random, names: list[str]) -> str:
    given = [(drawn.choice(names), drawn.choice(VALUES)) for _ in range(drawn.randrange(4))]
    return "&".join(f"{name}={quote(value)}" for name, value in given)
