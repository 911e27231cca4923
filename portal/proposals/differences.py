"""What a proposal would change, side by side, and which values would be sent that are not sent yet. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS, is_personal
from portal.models import Proposal
from portal.proposals.fields import BY_KEY
from postbacks.credentials.secrets.headers import receiver_of
from postbacks.models import Postback
from postbacks.request.template.mentioned import mentioned_in
from value_types.secret_text import MASK

_ITEM: Final = "items."


@dataclass(frozen=True, slots=True)
class Difference:
    """A field with its value before and after, as text; empty if there was none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class NewValue:
    """A value of actions that the request would send and does not send now."""

    name: str
    description: str
    personal: bool


def differences(postback: Postback, proposal: Proposal) -> list[Difference]:
    """By field, in words. Of secrets it shows the names, and which would get another value."""
    return [each for each in _each(postback, proposal) if each.before != each.after]


def new_values(postback: Postback, proposed: Postback) -> list[NewValue]:
    """The values that it would send and does not send now, personal ones first."""
    found = [_described(name) for name in mentioned(proposed) - mentioned(postback)]
    return sorted(found, key=lambda each: (not each.personal, each.name))


def mentioned(postback: Postback) -> frozenset[str]:
    """The values that its request may hold, without those that its event type hides."""
    pairs = [template for _key, template in postback.body_pairs]
    texts = (postback.url, postback.headers, postback.body_raw, *pairs)
    hidden = frozenset(postback.action_tracker.hidden_parameters)
    names = frozenset[str]().union(*map(mentioned_in, texts))
    return frozenset(each for each in names if each not in PARAMETERS or not PARAMETERS[each].is_hidden(hidden))


def other_receiver(postback: Postback, proposal: Proposal) -> str:
    """Scheme, host and port that it would call instead of those that it calls now; empty if they stay."""
    url = proposal.values.get("url")
    there = receiver_of(url) if isinstance(url, str) else ""
    return there if there != receiver_of(postback.url) else ""


def _each(postback: Postback, proposal: Proposal) -> Iterator[Difference]:
    for key, value in proposal.values.items():
        yield Difference(BY_KEY[key].label, str(getattr(postback, key) or ""), str(value or ""))
    for key, pairs in proposal.secrets.items():
        before: Any = getattr(postback, key)
        after = "\n".join(f"{name}: {'another value' if token else MASK}" for name, token in pairs)
        yield Difference(BY_KEY[key].label, "\n".join(f"{name}: {MASK}" for name, _ in before), after)


def _described(name: str) -> NewValue:
    if name.startswith(_ITEM):
        attribute = ITEM_ATTRIBUTES[name.removeprefix(_ITEM)]
        return NewValue(name, attribute.description, personal=False)
    return NewValue(name, PARAMETERS[name].description, is_personal(name))
