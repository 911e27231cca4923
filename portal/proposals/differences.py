"""What a proposal would change, side by side, and which values would be sent that are not sent yet. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS, is_personal
from portal.models import Proposal
from portal.proposals.fields import BY_KEY, CHOICES, stored_secrets
from postbacks.credentials.asking.certificates import in_words
from postbacks.credentials.secrets.headers import receiver_of
from postbacks.models import Postback
from postbacks.request.template.mentioned import mentioned_in
from value_types.secret_text import MASK

_ITEM: Final = "items."
_CERTIFICATES: Final = ("client_certificate", "trusted_authorities")
_CALLED: Final = {"url": "receiver", "oauth_token_url": "token server"}


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


def differences(postback: Postback, proposal: Proposal, now: datetime) -> list[Difference]:
    """By field, in words. Of secrets it shows the names, and which would get another value."""
    return [each for each in _each(postback, proposal, now) if each.before != each.after]


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


def other_receivers(postback: Postback, proposal: Proposal) -> list[tuple[str, str]]:
    """What it would call instead of what it calls now, a receiver or a token server: which, with scheme, host and
    port."""
    found = ((called, key, receiver_of(str(proposal.values.get(key) or ""))) for key, called in _CALLED.items())
    return [(called, there) for called, key, there in found if there and there != receiver_of(getattr(postback, key))]


def _each(postback: Postback, proposal: Proposal, now: datetime) -> Iterator[Difference]:
    for key, value in proposal.values.items():
        yield Difference(BY_KEY[key].label, *(_text(key, each, now) for each in (getattr(postback, key), value)))
    for key, pairs in proposal.secrets.items():
        before = [(name, MASK) for name, _ in stored_secrets(postback, BY_KEY[key])]
        after = [(name, "another value" if token else MASK) for name, token in pairs]
        yield Difference(BY_KEY[key].label, _lines(before), _lines(after))


def _text(key: str, value: Any, now: datetime) -> str:
    """A choice by its name; above a certificate, whose it is and when it ends."""
    text = str(value or "")
    if key in _CERTIFICATES and (whose := in_words(text, now)):
        return f"{whose}\n{text}"
    return dict(CHOICES.get(key, ())).get(text, text)


def _lines(secrets: list[tuple[str, str]]) -> str:
    return "\n".join(f"{name}: {value}" if name else value for name, value in secrets)


def _described(name: str) -> NewValue:
    if name.startswith(_ITEM):
        attribute = ITEM_ATTRIBUTES[name.removeprefix(_ITEM)]
        return NewValue(name, attribute.description, personal=False)
    return NewValue(name, PARAMETERS[name].description, is_personal(name))
