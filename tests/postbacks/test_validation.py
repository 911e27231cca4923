"""What keeps a postback from being saved, and on which field it says so."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from partners.models import ActionTracker, InAppEvent, Partner
from postbacks.models import Postback
from postbacks.validation import postback_errors
from tests.support.factories import make_media_source, make_partner, make_tracker
from value_types.networks import parse_networks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_public_addresses(settings: Settings) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = []


@pytest.fixture
def app() -> ActionTracker:
    return make_tracker(name="Summit App", in_app_events=["INSTALL", "SALE"])


def errors_of(tracker: ActionTracker, **fields: Any) -> dict[str, list[str]]:
    """The errors of a network's postback; a network needs no contract."""
    defaults = {"media_source": make_media_source(), "name": "test", "url": "https://receiver.example/in"}
    return postback_errors(Postback(**{**defaults, "action_tracker": tracker, **fields}))


def test_a_sound_postback_has_no_errors(tracker: ActionTracker, partner: Partner) -> None:
    postback = Postback(
        partner=partner,
        action_tracker=tracker,
        name="sale",
        url="https://receiver.example/{Oid}?pay={Payout}",
        method="POST",
        body_format="json",
        body_pairs=[["id", "{ActionId}"]],
        headers="X-Source: {CampaignName}",
        success_response="OK\n2xx",
        error_response="/denied/",
    )

    postback.full_clean()

    assert postback_errors(postback) == {}


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"url": "https://receiver.example/?c={CampaingId}"}, "url", "Did you mean {CampaignId}?"),
        ({"url": "ftp://receiver.example/"}, "url", "http"),
        ({"headers": "X-Source harbor"}, "headers", "line 1"),
        ({"headers": "Host: other.example"}, "headers", "Host"),
        ({"method": "POST"}, "body_format", "POST needs a body format"),
        ({"method": "POST", "body_format": "json"}, "body_pairs", "needs pairs or a raw body"),
        ({"method": "POST", "body_format": "json", "body_raw": "{Payuot}"}, "body_raw", "{Payout}"),
        ({"method": "POST", "body_format": "xml", "body_pairs": [["id", "{Oidd}"]]}, "body_pairs", "{Oid}"),
        ({"body_pairs": [["id", "{Oid}"]]}, "body_pairs", "GET request has no body"),
        ({"body_raw": "x"}, "body_raw", "GET request has no body"),
        ({"method": "POST", "body_format": "json", "body_pairs": [["id"]]}, "body_pairs", "list of [key, template]"),
        ({"success_response": "OK\n/(/"}, "success_response", "Line 2: "),
        ({"error_response": "999"}, "error_response", "Line 1: "),
    ],
)
def test_each_mistake_is_told_on_its_field_and_on_no_other(
    tracker: ActionTracker, fields: dict[str, Any], field: str, message: str
) -> None:
    errors = errors_of(tracker, **fields)

    assert list(errors) == [field]
    assert len(errors[field]) == 1
    assert message in errors[field][0]


def test_pairs_and_a_raw_body_exclude_each_other(tracker: ActionTracker) -> None:
    errors = errors_of(tracker, method="POST", body_format="json", body_pairs=[["a", "b"]], body_raw="{}")

    assert errors == {"body_pairs": ["Both pairs and a raw body are given: keep one."]}


def test_every_bad_rule_is_named(tracker: ActionTracker) -> None:
    errors = errors_of(tracker, success_response="/(/\nOK\n601")

    assert [message[:7] for message in errors["success_response"]] == ["Line 1:", "Line 3:"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("minimum_delay_seconds", 30 * 86_400 + 1), ("maximum_requests", 0), ("maximum_requests", 10_001), ("url", "")],
)
def test_the_model_itself_checks_ranges_once(tracker: ActionTracker, name: str, value: Any) -> None:
    fields = {"media_source": make_media_source(), "name": "test", "url": "https://receiver.example/"}
    postback = Postback(**{**fields, "action_tracker": tracker, name: value})

    with pytest.raises(ValidationError) as raised:
        postback.full_clean()

    assert list(raised.value.message_dict) == [name]
    assert len(raised.value.message_dict[name]) == 1


def test_a_partner_postback_needs_a_term_and_is_told_which_event_types_have_one(
    tracker: ActionTracker, partner: Partner
) -> None:
    lead = make_tracker(tracker.program, name="Lead")

    errors = errors_of(lead, media_source=None, partner=partner)

    held, missing = f"Online Sale ({tracker.pk})", f"Lead ({lead.pk})"
    assert errors == {
        "action_tracker": [
            f"No contract of Compass ({partner.pk}) holds the event type {missing}. Its contracts hold {held}."
        ]
    }


def test_a_partner_without_any_term_is_told_so(tracker: ActionTracker) -> None:
    errors = errors_of(tracker, media_source=None, partner=make_partner())

    assert errors["action_tracker"][0].endswith("No event type of the program is in its contracts yet.")


@pytest.mark.usefixtures("partner")
def test_another_partners_term_does_not_serve(tracker: ActionTracker) -> None:
    assert "action_tracker" in errors_of(tracker, media_source=None, partner=make_partner())


def test_a_network_needs_no_contract(tracker: ActionTracker) -> None:
    assert errors_of(tracker) == {}


def test_a_mobile_app_needs_install_or_an_in_app_event(app: ActionTracker) -> None:
    sale = InAppEvent.objects.get(action_tracker=app, code="SALE")

    assert list(errors_of(app)) == ["install"]
    assert errors_of(app, install=True) == {}
    assert errors_of(app, in_app_event=sale) == {}
    assert errors_of(app, install=True, in_app_event=sale) == {}


def test_an_in_app_event_must_be_the_event_types_own(app: ActionTracker) -> None:
    other = make_tracker(in_app_events=["SALE"])

    errors = errors_of(app, in_app_event=other.in_app_events.get())

    assert list(errors) == ["in_app_event"]
    assert "is not an in-app event of" in errors["in_app_event"][0]


def test_other_event_types_have_neither_installs_nor_in_app_events(tracker: ActionTracker, app: ActionTracker) -> None:
    event = app.in_app_events.get(code="SALE")

    assert list(errors_of(tracker, install=True)) == ["install"]
    assert list(errors_of(tracker, in_app_event=event)) == ["in_app_event"]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.1.2.3:8080", "[::1]", "[fe80::1]:80", "169.254.169.254", "[::ffff:10.0.0.1]"),
        *("localhost", "LOCALHOST.", "a.localhost", "127.1", "0x7f.0.0.1", "2130706433"),
    ],
)
def test_a_host_that_is_plainly_not_public_is_refused(tracker: ActionTracker, host: str) -> None:
    errors = errors_of(tracker, url=f"http://{host}/in")

    assert list(errors) == ["url"]
    assert any("This URL cannot be called" in message for message in errors["url"])


@pytest.mark.parametrize("host", ["8.8.8.8", "receiver.example", "localhost.example", "10.example", "[2606:4700::1]"])
def test_public_addresses_and_names_are_left_to_the_guard_of_the_connection(tracker: ActionTracker, host: str) -> None:
    assert errors_of(tracker, url=f"http://{host}/in") == {}


def test_an_allowed_network_may_be_called(tracker: ActionTracker, settings: Settings) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = list(parse_networks(["127.0.0.0/8"]))

    assert errors_of(tracker, url="http://127.0.0.1:9000/in") == {}
    assert errors_of(tracker, url="http://localhost:9000/in") == {}
    assert list(errors_of(tracker, url="http://10.0.0.1/in")) == ["url"]


def test_without_owner_and_event_type_the_rest_is_still_checked() -> None:
    errors = postback_errors(Postback(url="https://receiver.example/{Nope}", method="GET"))

    assert list(errors) == ["url"]
