"""What the file may contain: for each kind of entry its keys, how they are read and written, and its lists."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from optimize_sources.models import MediaSource
from partners.models import (
    ActionTracker,
    CategoryPayout,
    Contract,
    ContractTerm,
    ExchangeRate,
    InAppEvent,
    Partner,
    Program,
)
from postbacks.config_file.document import Node
from postbacks.config_file.values import (
    MaskedHeaders,
    MaskedSecret,
    read_choice,
    read_conditions,
    read_date,
    read_decimal,
    read_duration,
    read_flag,
    read_id,
    read_pairs,
    read_parameter_names,
    read_payout,
    read_secret,
    read_secret_headers,
    read_text,
    read_whole_number,
    unchanged,
    write_conditions,
    write_decimal,
    write_duration,
    write_pairs,
    write_payout,
)
from postbacks.credentials.asking.fields import FIELDS, SECRETS
from postbacks.models import Postback


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the model fields that its value fills: one, or as many as `read` returns in a tuple."""

    name: str
    read: Callable[[Node], Any]
    write: Callable[..., Any] = unchanged
    fields: tuple[str, ...] = ()
    required: bool = False

    @property
    def model_fields(self) -> tuple[str, ...]:
        return self.fields or (self.name,)


@dataclass(frozen=True, slots=True)
class EntryKind:
    """A kind of entry: its model, its name in messages, its keys, and its lists of other entries.

    `scalar` names the only key of entries that are written as a bare string.
    """

    model: type[models.Model] | None
    label: str
    keys: tuple[Key, ...]
    lists: "dict[str, EntryKind]" = field(default_factory=dict)
    scalar: str = ""

    def defaults(self) -> dict[str, Any]:
        """The default values by model field, for the keys that may be left out."""
        if self.model is None:
            return {}
        blank = self.model()
        return {name: getattr(blank, name) for key in self.keys if not key.required for name in key.model_fields}

    def key_of_field(self, name: str) -> str | None:
        """The key that fills a model field, to show where an error of the model belongs."""
        return next((key.name for key in self.keys if name in (*key.model_fields, key.name)), None)


_ID = Key("id", read_id, required=True)
_NAME = Key("name", read_text, required=True)
_CURRENCY = Key("currency", read_text, required=True)

EXCHANGE_RATE = EntryKind(
    ExchangeRate,
    "exchange rate",
    (
        Key("date", read_date, required=True),
        Key("from", read_text, fields=("from_currency",), required=True),
        Key("to", read_text, fields=("to_currency",), required=True),
        Key("rate", read_decimal, write_decimal, required=True),
        Key("kept", read_flag),
    ),
)
IN_APP_EVENT = EntryKind(InAppEvent, "in-app event", (Key("code", read_text, required=True),), scalar="code")
ACTION_TRACKER = EntryKind(
    ActionTracker,
    "event type",
    (
        _ID,
        _NAME,
        Key("code", read_text),
        Key("kind", read_choice(ActionTracker.Kind.values)),
        Key("active", read_flag),
        Key("dedup_window_days", read_whole_number),
        Key("net_lines", read_flag),
        Key("hidden_parameters", read_parameter_names),
    ),
    {"in_app_events": IN_APP_EVENT},
)
PROGRAM = EntryKind(
    Program,
    "program",
    (_ID, _NAME, _CURRENCY, Key("early_changes_minutes", read_whole_number)),
    {"action_trackers": ACTION_TRACKER},
)
_PAYOUT = Key("payout", read_payout, write_payout, fields=("payout_type", "payout"), required=True)

CATEGORY_PAYOUT = EntryKind(CategoryPayout, "payout by category", (Key("category", read_text, required=True), _PAYOUT))
CONTRACT_TERM = EntryKind(
    ContractTerm,
    "contract term",
    (
        Key("action_tracker", read_id, fields=("action_tracker_id",), required=True),
        Key("start", read_date),
        Key("end", read_date),
        _PAYOUT,
        Key("monthly_action_limit", read_whole_number),
        Key("monthly_payout_limit", read_decimal, write_decimal),
        Key("lock_after_days", read_whole_number),
        Key("clear_after_days", read_whole_number),
    ),
    {"category_payouts": CATEGORY_PAYOUT},
)
CONTRACT = EntryKind(
    Contract,
    "contract",
    (
        Key("program", read_id, fields=("program_id",), required=True),
        Key("start", read_date, required=True),
        Key("end", read_date),
    ),
    {"terms": CONTRACT_TERM},
)
# How the receiver wants to be asked. The database holds the secrets encrypted; the file gives plain ones, or masks.
_CHOICES = {"authentication": Postback.Authentication.values, "oauth_client_auth": Postback.ClientAuth.values}
_ASKING = tuple(
    Key(name, read_secret(name), MaskedSecret)
    if name in SECRETS
    else Key(name, read_choice(_CHOICES[name]) if name in _CHOICES else read_text)
    for name in FIELDS
)
POSTBACK = EntryKind(
    Postback,
    "postback",
    (
        _NAME,
        Key("action_tracker", read_id, fields=("action_tracker_id",), required=True),
        Key("event_trigger", read_choice(Postback.EventTrigger.values)),
        Key("scope", read_choice(Postback.Scope.values)),
        Key("install", read_flag),
        # The database holds the in-app event; the file names its code.
        Key("in_app_event", read_text, lambda event: event.code),
        Key("conditions_match", read_choice(Postback.ConditionsMatch.values)),
        Key("conditions", read_conditions, write_conditions),
        Key("url", read_text, required=True),
        Key("method", read_choice(Postback.Method.values)),
        Key("headers", read_text),
        # The database holds encrypted values; the file gives plain ones, or masks for those that stay.
        Key("secret_headers", read_secret_headers, MaskedHeaders),
        *_ASKING,
        Key("signed", read_flag),
        Key("body_format", read_choice(Postback.BodyFormat.values)),
        Key("body", read_pairs, write_pairs, fields=("body_pairs",)),
        Key("body_raw", read_text),
        Key("minimum_delay", read_duration, write_duration, fields=("minimum_delay_seconds",)),
        Key("maximum_requests", read_whole_number),
        Key("send_trace", read_flag),
        Key("success_response", read_text),
        Key("error_response", read_text),
    ),
)
PARTNER = EntryKind(
    Partner,
    "partner",
    (_ID, _NAME, _CURRENCY, Key("active", read_flag)),
    {"contracts": CONTRACT, "postbacks": POSTBACK},
)
MEDIA_SOURCE = EntryKind(
    MediaSource,
    "media source",
    (_ID, _NAME, Key("type", read_text), Key("channel", read_text)),
    {"postbacks": POSTBACK},
)
DOCUMENT = EntryKind(
    None,
    "file",
    (),
    {
        "exchange_rates": EXCHANGE_RATE,
        "programs": PROGRAM,
        "partners": PARTNER,
        "media_sources": MEDIA_SOURCE,
    },
)
