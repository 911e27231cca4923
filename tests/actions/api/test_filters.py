"""What the query of an address means: each filter, in any case, and what is no filter or no value of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone

from actions.api.filters import read_end, read_start
from actions.api.lists import ACTIONS, UPDATES
from actions.api.reads import ITEMS, SUBMISSIONS
from actions.api.setup_reads import CAMPAIGNS, CONTRACTS, PARTNERS
from actions.models import Action, ActionEvent
from actions.recording.maturing import mature
from actions.reports.rejected import Rejected
from partners.models import ActionTracker
from tests.support.api import Caller
from tests.support.factories import make_partner, make_term, make_tracker, record_action, record_change

pytestmark = pytest.mark.django_db

ADDRESSES = {
    "Actions": ACTIONS,
    "ActionUpdates": UPDATES,
    "APISubmissions": SUBMISSIONS,
    "Actions/{action}/Items": ITEMS,
    "Campaigns": CAMPAIGNS,
    "Campaigns/{campaign}/Contracts": CONTRACTS,
    "MediaPartners": PARTNERS,
}
LISTS = {"Actions": "Actions", "ActionUpdates": "ActionUpdates"}


def found(call: Caller, path: str) -> list[str]:
    """The order ids that are listed."""
    response = call("GET", path)
    assert response.status_code == 200, response.content
    return sorted(each["Oid"] for each in response.json()[path.partition("?")[0]])


def settle() -> None:
    """Make everything that was recorded as old as updates have to be."""
    ActionEvent.objects.update(recorded_at=timezone.now() - timedelta(seconds=11))


def refused(call: Caller, path: str, field: str) -> str:
    """The message of the refusal of this field."""
    response = call("GET", path)
    assert response.status_code == 400, (path, response.content)
    entry = response.json()["errors"][0]
    assert (entry["field"], entry["code"]) == (field, "MALFORMED")
    return str(entry["message"])


@pytest.fixture
def two(tracker: ActionTracker) -> dict[str, Any]:
    """Two orders of two programs, event types and partners; the second is reversed."""
    partner, other = make_partner(), make_tracker()
    make_term(tracker, partner)
    first = record_action(tracker, partner, OrderId="one", EventDate="2026-11-20T10:00:00Z").action
    second = record_action(other, OrderId="two", EventDate="2026-11-21T10:00:00Z")
    record_change(second, "reversed", Reason="CONS_FRAUD")
    settle()
    return {"one": first, "two": second.action}


@pytest.mark.parametrize("name", LISTS)
def test_actions_and_updates_are_found_by_what_they_are_of(call: Caller, two: dict[str, Action], name: str) -> None:
    one = two["one"]
    for query in (
        f"CampaignId={one.program_id}",
        f"ActionTrackerId={one.action_tracker_id}",
        f"EventTypeId={one.action_tracker_id}",
        f"MediaPartnerId={one.partner_id}",
        f"PartnerId={one.partner_id}",
        f"campaignid={one.program_id}&CAMPAIGNID={one.program_id}&State=",
        f"CampaignId={one.program_id}&State=pending&IrVersion=14",
        "ActionDateEnd=2026-11-20",
        "ActionDateStart=2026-11-20&actiondateend=2026-11-21T10:00:00Z",
        "LockingDateEnd=2026-12-20T10:00:01Z",
    ):
        assert found(call, f"{name}?{query}") == ["one"], query
    assert set(found(call, f"{name}?State=REVERSED")) == {"two"}
    assert found(call, f"{name}?CampaignId={one.program_id}&State=REVERSED") == []
    assert found(call, f"{name}?ActionDateStart=2026-11-21T10:00:01Z") == []


def test_updates_are_found_by_their_action(call: Caller, two: dict[str, Action]) -> None:
    assert found(call, f"ActionUpdates?ActionId={two['two'].action_id}") == ["two", "two"]
    assert call("GET", "ActionUpdates?ActionId=1.2.3").status_code == 404


def test_actions_are_found_by_their_order_id(call: Caller, two: dict[str, Action]) -> None:
    for query in ("OrderId=two", "Oid=two", "oid=%20two%20", "OID=two&OrderId=two"):
        assert found(call, f"Actions?{query}") == ["two"], query
    assert found(call, f"Actions?BeforeId={two['two'].pk}") == ["one"]


def test_last_updated_is_when_anything_happened_last(call: Caller, tracker: ActionTracker) -> None:
    make_term(tracker, partner := make_partner(), lock_after_days=0, clear_after_days=0)
    events = [record_action(tracker, OrderId=oid) for oid in ("created", "changed")]
    events.append(record_action(tracker, partner, OrderId="matured", EventDate="2026-10-01T00:00:00Z"))
    record_change(events[1], "reversed")
    assert mature(5) == 2
    moment = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    for event in ActionEvent.objects.order_by("pk"):  # Each a day after the one before.
        ActionEvent.objects.filter(pk=event.pk).update(recorded_at=moment)
        moment += timedelta(days=1)
    assert found(call, "Actions?StartDate=2026-11-01&EndDate=2026-11-01") == ["created"]
    assert found(call, "Actions?StartDate=2026-11-02&EndDate=2026-11-03") == []  # They were changed later.
    assert found(call, "Actions?StartDate=2026-11-04&EndDate=2026-11-04") == ["changed"]
    assert found(call, "Actions?EndDate=2026-11-06T12:00:00Z") == ["changed", "created"]
    assert found(call, "Actions?StartDate=2026-11-06T12:00:00Z") == ["matured"]
    assert found(call, "Actions?StartDate=2026-11-01&State=APPROVED") == ["matured"]
    assert found(call, "ActionUpdates?StartDate=2026-11-03&EndDate=2026-11-04") == ["changed", "matured"]


@pytest.mark.parametrize("name", LISTS)
def test_what_is_still_being_recorded_beside_others_is_not_told_yet(
    call: Caller, tracker: ActionTracker, name: str
) -> None:
    record_action(tracker, OrderId="one")
    for query in ("StartDate=2026-01-01", "StartDate=2026-01-01&EndDate=2099-01-01"):
        assert found(call, f"{name}?{query}") == []
    settle()
    for query in ("StartDate=2026-01-01", "StartDate=2026-01-01&EndDate=2099-01-01"):
        assert found(call, f"{name}?{query}") == ["one"]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-20", "2026-11-20T00:00:00", "2026-11-21T00:00:00"),
        (" 20261120 ", "2026-11-20T00:00:00", "2026-11-21T00:00:00"),
        ("2026-11-20T10:30:00Z", "2026-11-20T10:30:00", "2026-11-20T10:30:00"),
        ("2026-11-20T00:00:00", "2026-11-20T00:00:00", "2026-11-20T00:00:00"),
        ("2026-11-20T10:30:00 02:00", "2026-11-20T08:30:00", "2026-11-20T08:30:00"),  # Its plus was not encoded.
        ("2026-11-20T10:30:00.5+02:00", "2026-11-20T08:30:00.500000", "2026-11-20T08:30:00.500000"),
        ("2026-11-20T23:59:59Z", "2026-11-20T23:59:59", "2026-11-21T00:00:00"),
        ("2026-11-20T23:59:59.999-08:00", "2026-11-21T07:59:59.999000", "2026-11-21T08:00:00"),
    ],
)
def test_a_span_begins_and_ends_as_it_is_written(text: str, start: str, end: str) -> None:
    assert read_start("StartDate", text).astimezone(UTC) == datetime.fromisoformat(f"{start}+00:00")
    assert read_end("EndDate", text).astimezone(UTC) == datetime.fromisoformat(f"{end}+00:00")


@pytest.mark.parametrize(
    "text",
    ["soon", "1999-12-31", "2026-02-30", "2026-11-20T25:00:00Z", "1763632958000", "2026-11-20T10:00:00+00:00:30"],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    for read in (read_start, read_end):
        with pytest.raises(Rejected, match="StartDate"):
            read("StartDate", text)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_value_that_is_none_is_refused(call: Caller, tracker: ActionTracker, address: str) -> None:
    action = record_action(tracker).action
    path = address.format(action=action.action_id, campaign=tracker.program_id)
    hostile = ("\0", "a\0b", "x" * 300, "9" * 40, "-1", "1e3", "\N{ARABIC-INDIC DIGIT ONE}", "1;DROP", "{}", "' OR 1=1")
    texts = {"OrderId", "Name"}  # Any text of the usual length is one.
    for known in ADDRESSES[address].known:
        for value in hostile[:3] if known.name in texts else hostile:
            response = call("GET", f"{path}?{known.name}={quote(value)}")
            assert response.status_code == 400, (known.name, value, response.content)
    assert "UTF-8" in call("GET", f"{path}?Page=%ff").json()["Message"]
    assert "100 parameters" in call("GET", f"{path}?{'Page=1&' * 101}").json()["Message"]
    assert "given twice" in refused(call, f"{path}?PageSize=5&pagesize=6", "PageSize")
    for wrong in ("Page=0", "PageSize=0", "PageSize=20001", "Page=1000000001", "Page=1.0"):
        refused(call, f"{path}?{wrong}", wrong.partition("=")[0])


@pytest.mark.parametrize(
    "address",
    [
        *ADDRESSES,
        *("Actions/{action}", "ActionUpdates/{action}.1", "CompanyInformation"),
        *("Campaigns/{campaign}", "MediaPartners/{partner}", "Campaigns/{campaign}/Contracts/{contract}"),
    ],
)
def test_an_unknown_filter_is_refused_and_never_ignored(call: Caller, tracker: ActionTracker, address: str) -> None:
    term = make_term(tracker)
    action = record_action(tracker).action
    path = address.format(
        action=action.action_id,
        campaign=tracker.program_id,
        partner=term.contract.partner_id,
        contract=term.contract_id,
    )
    assert call("GET", f"{path}?IrVersion=13&PageSize=20000&page=1").status_code == 200
    for query, name in (("Colour=red", "Colour"), ("Status2=", "Status2"), ("Campaign_Id=1", "Campaign_Id")):
        message = refused(call, f"{path}?{query}", name)
        assert "no filter of this address" in message
        assert "IrVersion" in message
    assert call("GET", f"{path}?%00=1").status_code == 400
