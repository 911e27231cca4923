"""Every address of the partner API: what is another's is answered exactly as what does not exist."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from optimize_sources.models import MediaSource
from partners.models import ActionTracker, Partner
from portal.models import PartnerLink, Proposal
from postbacks.models import Delivery, Postback
from tests.support.api_document import paths
from tests.support.factories import make_media_source, make_partner, make_postback, make_term, record_action
from tests.support.partner_calls import ROOT, PartnerCaller
from tests.support.proposals import proposal_for

pytestmark = pytest.mark.django_db
ALL = list(PartnerLink.Right.values)
NONE = 987_654_321
SIGN = "meridian"  # Stands in all that is the other's.
BODIES = {
    "proposals": {"changes": {"url": "https://thief.example/"}},
    "preview": {"changes": {"url": "https://thief.example/"}},
    "test": {"changes": {"url": "https://thief.example/"}},
}

Operation = tuple[str, str]


def operations() -> list[Operation]:
    return sorted(
        (method.upper(), path.removeprefix(f"{ROOT}/"))
        for path, found in paths().items()
        if path.startswith(f"{ROOT}/")
        for method in found
    )


OPERATIONS = operations()
OF_ONE = [each for each in OPERATIONS if "{" in each[1]]


def ask(caller: PartnerCaller, operation: Operation, ids: dict[str, Any], sent: Any = None) -> Any:
    method, path = operation
    body = None if method == "GET" else BODIES.get(path.rpartition("/")[2], {}) if sent is None else sent
    query = "?search=x" if path == "why-not" else ""
    return caller(method, path.format(**ids) + query, body)


class Other:
    """Another owner's postback, delivery and proposal, of the same event type, and what names its order."""

    def __init__(self, tracker: ActionTracker, owner: Partner | MediaSource) -> None:
        partner = owner if isinstance(owner, Partner) else make_partner()
        make_term(tracker, partner)
        url = f"https://{SIGN}.example/in?id={{ActionId}}&o={{Oid}}&c={{RefClickId}}"
        self.postback = make_postback(tracker, owner, name=f"{SIGN} plan", url=url)
        self.event = record_action(tracker, partner, OrderId="o-71", ClickId="click-71")
        self.delivery = Delivery.objects.get(event=self.event, postback=self.postback)
        Delivery.objects.filter(pk=self.delivery.pk).update(state="failed", finished_at=self.delivery.created_at)
        self.proposal = proposal_for(self.postback, note=f"{SIGN} note")

    @property
    def ids(self) -> dict[str, int]:
        rows = {"postback": self.postback, "delivery": self.delivery, "proposal": self.proposal}
        return {f"{name}_id": row.pk for name, row in rows.items()}


@pytest.fixture(params=["partner", "network"])
def other(request: pytest.FixtureRequest, tracker: ActionTracker, postback: Postback) -> Other:
    return Other(tracker, make_partner(name=SIGN) if request.param == "partner" else make_media_source())


@pytest.fixture
def caller(partner: Partner) -> PartnerCaller:
    return PartnerCaller(partner, *ALL)


def state_of_all(other: Other) -> Any:
    rows = (Postback.objects.all(), Delivery.objects.all(), Proposal.objects.all())
    return [list(each.order_by("pk").values()) for each in rows]


def said(answer: Any, key: int) -> tuple[int, str]:
    return answer.status_code, answer.content.decode().replace(f"'{key}'", "'{}'")


def test_no_address_tells_or_changes_what_is_anothers(caller: PartnerCaller, other: Other) -> None:
    before = state_of_all(other)
    for operation in OF_ONE:
        (name,) = re.findall(r"\{(\w+)\}", operation[1])
        theirs = said(ask(caller, operation, other.ids), other.ids[name])
        nothing = said(ask(caller, operation, {name: NONE}), NONE)
        assert theirs == nothing, operation
        assert theirs[0] == 404, operation
    assert state_of_all(other) == before


def test_no_filter_tells_what_is_anothers(caller: PartnerCaller, other: Other) -> None:
    """By every parameter of every list: search by all that names an order, and one value each for all others; for a
    place, one from which their rows would follow."""
    orders = ["o-71", "click-71", other.event.action.action_id, str(other.delivery.sent_as), f"{SIGN} plan"]
    others = {"postback": other.postback.pk, "before": NONE, "after": 0}
    nothing: dict[str, str] = {}
    for path, found in paths().items():
        for each in found.get("get", {}).get("parameters", []) if path.startswith(f"{ROOT}/") else []:
            if each["in"] != "query":
                continue
            for value in orders if each["name"] == "search" else [str(others.get(each["name"], other.delivery.pk))]:
                mandatory = {"search": "x"} if path.endswith("/why-not") else {}
                query = {**mandatory, each["name"]: value}
                theirs = caller.get(path.removeprefix(f"{ROOT}/"), **query).content.decode()
                assert SIGN not in theirs, (path, query)
                assert f'"id":{other.delivery.pk},' not in theirs, (path, query)
                if each["name"] == "search":
                    if path not in nothing:
                        unknown = {**query, "search": "no-such-order"}
                        nothing[path] = caller.get(path.removeprefix(f"{ROOT}/"), **unknown).content.decode()
                    assert theirs == nothing[path], (path, query)


def test_an_order_of_another_partner_is_not_there_for_a_postback_that_sends_it(
    caller: PartnerCaller, other: Other, postback: Postback
) -> None:
    """Also where the own postback sends the ids by which it is asked for."""
    postback.url = "https://compass.example/in?id={ActionId}&o={Oid}&c={RefClickId}"
    postback.save()
    for term in ("o-71", "click-71", other.event.action.action_id):
        assert caller.get("why-not", search=term).json() == {"deliveries": [], "missed": []}


def test_each_right_is_asked_for(partner: Partner, postback: Postback) -> None:
    """What changes something has a right of its own, and a link without it does not get there."""
    reader = PartnerCaller(partner)
    ids = {"postback_id": postback.pk, "delivery_id": 1, "proposal_id": proposal_for(postback).pk}
    refused = {operation for operation in OPERATIONS if ask(reader, operation, ids).status_code == 403}
    assert refused == {operation for operation in OPERATIONS if operation[0] != "GET"}
    for right in ALL:
        holder = PartnerCaller(partner, right)
        assert any(ask(holder, each, ids, {}).status_code != 403 for each in refused), right


def test_no_address_is_open_without_a_token() -> None:
    for method, path in OPERATIONS:
        assert Client().generic(method, f"{ROOT}/{re.sub('{.*?}', '1', path)}").status_code == 401, path


def test_wrong_ids_are_no_faults(caller: PartnerCaller) -> None:
    for operation in OF_ONE:
        (name,) = re.findall(r"\{(\w+)\}", operation[1])
        for key in ("-1", str(2**64), "%F0%9F%92%A9"):
            assert ask(caller, operation, {name: key}).status_code == 404, (operation, key)
