"""Which postbacks an action event fires. No database: the rows are never saved."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import pytest

from actions.models import Action, ActionEvent
from optimize_sources.models import MediaSource
from partners.models import ActionTracker, ContractTerm, InAppEvent, Partner
from postbacks.matching import RULES, Listeners, fires, refusals
from postbacks.models import Postback

PARTNER, STRANGER = Partner(pk=1, name="Nile"), Partner(pk=2, name="Rhine")
NETWORK, OTHER_NETWORK = MediaSource(pk=11, name="Ads"), MediaSource(pk=12, name="More ads")
SALE = ActionTracker(pk=21, name="Sale", kind=ActionTracker.Kind.WEB)
LEAD = ActionTracker(pk=22, name="Lead", kind=ActionTracker.Kind.WEB)
APP = ActionTracker(pk=23, name="App", kind=ActionTracker.Kind.MOBILE_APP)
TERM = ContractTerm(pk=31, action_tracker=SALE)
KINDS = ("created", "modified", "reversed", "restored", "locked", "cleared")


def an_event(kind: str = "created", **action: Any) -> ActionEvent:
    fields = {"pk": 41, "action_tracker": SALE, "partner": PARTNER, "contract_term": TERM, **action}
    return ActionEvent(pk=51, action=Action(**fields), number=1, kind=kind, parameters={"Amount": "12.00"})


def a_postback(**fields: Any) -> Postback:
    owner = {} if "media_source" in fields else {"partner": PARTNER}
    return Postback(**{"action_tracker": SALE, **owner, **fields})


@pytest.mark.parametrize(
    ("trigger", "fired_by"),
    [
        ("always", {"created", "modified", "reversed", "restored"}),
        ("new", {"created"}),
        ("changes", {"modified", "reversed", "restored"}),
    ],
)
def test_the_trigger_chooses_among_the_non_standard_events(trigger: str, fired_by: set[str]) -> None:
    postback = a_postback(event_trigger=trigger)
    assert {kind for kind in KINDS if fires(postback, an_event(kind))} == fired_by


@pytest.mark.parametrize("owner", [{"partner": PARTNER}, {"media_source": NETWORK}])
def test_only_the_postbacks_own_event_type_fires_it(owner: dict[str, Any]) -> None:
    assert fires(a_postback(**owner), an_event())
    assert not fires(a_postback(action_tracker=LEAD, **owner), an_event())


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"partner": PARTNER, "contract_term": TERM}, True),
        ({"partner": PARTNER, "contract_term": None}, False),
        ({"partner": STRANGER, "contract_term": TERM}, False),
        ({"partner": None, "contract_term": None}, False),
    ],
)
def test_a_partner_hears_of_its_own_actions_under_a_term_and_of_no_others(
    action: dict[str, Any], *, expected: bool
) -> None:
    assert fires(a_postback(), an_event(**action)) is expected


@pytest.mark.parametrize(
    ("scope", "took_part", "expected"),
    [
        ("all", [], True),
        ("all", [OTHER_NETWORK.pk], True),
        ("involved", [], False),
        ("involved", [OTHER_NETWORK.pk], False),
        ("involved", [OTHER_NETWORK.pk, NETWORK.pk], True),
    ],
)
@pytest.mark.parametrize("partner", [None, PARTNER])
def test_a_network_needs_no_contract_and_may_keep_to_what_it_took_part_in(
    scope: str, took_part: list[int], partner: Partner | None, *, expected: bool
) -> None:
    postback = a_postback(media_source=NETWORK, scope=scope)
    event = an_event(partner=partner, contract_term=None, media_source_ids=took_part)
    assert fires(postback, event) is expected


@pytest.mark.parametrize(
    ("install", "chosen", "fired_by"),
    [
        (True, None, {"INSTALL"}),
        (False, "SIGN-UP", {"SIGN-UP"}),
        (True, "SIGN-UP", {"INSTALL", "SIGN-UP"}),
        (False, "INSTALL", {"INSTALL"}),
        (False, None, set()),
    ],
)
def test_a_mobile_app_fires_on_installs_or_the_chosen_event_or_either(
    install: bool,
    chosen: str | None,
    fired_by: set[str],
) -> None:
    in_app_event = InAppEvent(pk=61, action_tracker=APP, code=chosen) if chosen else None
    postback = a_postback(media_source=NETWORK, action_tracker=APP, install=install, in_app_event=in_app_event)
    codes = ("INSTALL", "SIGN-UP", "sign-up", "SALE", "")
    assert {code for code in codes if fires(postback, an_event(action_tracker=APP, event_code=code))} == fired_by


def test_an_event_code_means_nothing_outside_mobile_apps() -> None:
    assert fires(a_postback(), an_event(event_code="SALE"))


def test_matches_come_in_the_order_of_the_events_each_with_all_its_postbacks() -> None:
    sales = [a_postback(pk=1), a_postback(pk=2, event_trigger="new"), a_postback(pk=3, partner=STRANGER)]
    leads = [a_postback(pk=4, action_tracker=LEAD)]
    events = [an_event(), an_event("modified"), an_event("locked"), an_event(action_tracker=LEAD)]
    listeners = Listeners()
    listeners.put(SALE.pk, sales)
    listeners.put(LEAD.pk, leads)
    found = [(postback.pk, event.kind, event.action.action_tracker_id) for postback, event in listeners.matches(events)]
    assert found == [
        (1, "created", SALE.pk),
        (2, "created", SALE.pk),
        (1, "modified", SALE.pk),
        (4, "created", LEAD.pk),
    ]


NETWORK_SALE = {"media_source": NETWORK, "scope": "involved"}


@pytest.mark.parametrize(
    ("postback", "event", "rules", "words"),
    [
        ({}, an_event("locked"), ["kind"], "No postback fires on locked events"),
        ({"action_tracker": LEAD}, an_event(), ["event_type"], "It is for the event type Lead (22); the action is of"),
        ({}, an_event(partner=None, contract_term=None), ["owner"], "credited to no partner"),
        ({}, an_event(partner=STRANGER), ["owner"], "The action is credited to Rhine"),
        ({}, an_event(contract_term=None), ["owner"], "No contract term of the partner covers the action."),
        (NETWORK_SALE, an_event(), ["owner"], "only for actions that its network took part in"),
        ({"event_trigger": "changes"}, an_event(), ["trigger"], "is Changes only; this event is created."),
        ({"event_trigger": "new"}, an_event("reversed"), ["trigger"], "is New actions only; this event is reversed."),
        (
            {"action_tracker": APP, "install": True},
            an_event(action_tracker=APP, event_code="SALE"),
            ["in_app_event"],
            "It fires on INSTALL; this action is SALE.",
        ),
        (
            {"action_tracker": LEAD, "event_trigger": "changes"},
            an_event(partner=STRANGER),
            ["event_type", "owner", "trigger"],
            "Lead (22)",
        ),
        ({}, an_event(), [], ""),
    ],
    ids=["kind", "event type", "nobody", "stranger", "no term", "network", "changes", "new", "app", "all", "fires"],
)
def test_each_rule_that_refuses_says_so_in_words(
    postback: dict[str, Any], event: ActionEvent, rules: list[str], words: str
) -> None:
    found = refusals(a_postback(**postback), event)
    assert [each.rule for each in found] == rules
    assert words in " ".join(each.text for each in found)
    assert fires(a_postback(**postback), event) is not bool(rules)


def test_matching_asks_every_rule_that_can_be_told() -> None:
    """What operators read is what was decided: whatever one rule refuses alone fires nothing."""
    alone: dict[str, tuple[dict[str, Any], ActionEvent]] = {
        "kind": ({}, an_event("locked")),
        "event_type": ({"action_tracker": LEAD}, an_event()),
        "owner": ({}, an_event(contract_term=None)),
        "trigger": ({"event_trigger": "changes"}, an_event()),
        "in_app_event": ({"action_tracker": APP}, an_event(action_tracker=APP, event_code="SALE")),
        "conditions": ({"conditions": [{"parameter": "Amount", "operator": "at least", "values": ["50"]}]}, an_event()),
    }
    assert set(alone) == {rule.name for rule in RULES}
    for name, (fields, event) in alone.items():
        postback = a_postback(**fields)
        listeners = Listeners()
        listeners.put(event.action.action_tracker_id, [postback])
        assert [each.rule for each in refusals(postback, event)] == [name]
        assert list(listeners.matches([event])) == []


def test_events_that_differ_in_anything_that_a_rule_looks_at_are_matched_each_for_itself() -> None:
    postbacks = [
        a_postback(pk=1, action_tracker=APP, install=True),
        a_postback(pk=2, action_tracker=APP, install=True, event_trigger="changes"),
        a_postback(pk=3, action_tracker=APP, install=True, partner=STRANGER),
        a_postback(pk=4, action_tracker=APP, install=True, media_source=NETWORK, scope="involved"),
        a_postback(pk=5, action_tracker=APP, install=True, media_source=NETWORK, scope="all"),
    ]
    ways: dict[str, list[Any]] = {
        "kind": ["created", "modified", "locked"],
        "partner": [PARTNER, STRANGER, None],
        "event_code": ["INSTALL", "SALE"],
        "media_source_ids": [[], [NETWORK.pk], [OTHER_NETWORK.pk], [OTHER_NETWORK.pk, NETWORK.pk]],
        "contract_term": [TERM, None],
    }
    events = [an_event(action_tracker=APP, **dict(zip(ways, way, strict=True))) for way in product(*ways.values())]
    listeners = Listeners()
    listeners.put(APP.pk, postbacks)
    found = Counter((postback.pk, id(event)) for postback, event in listeners.matches(events))
    assert found == Counter((each.pk, id(event)) for event in events for each in postbacks if fires(each, event))
    assert {postback for postback, _ in found} == {1, 2, 3, 4, 5}
