"""Which models have a history, and which fields are left out or masked."""

from __future__ import annotations

import json
from typing import Any, Final

from auditlog.registry import auditlog
from django.apps import apps

from postbacks.credentials.secrets.rotation import SECRET_FIELDS

_DOTS: Final = "••••••••"
_NEVER = frozenset({"id", "created_at", "updated_at"})  # Not set by users.

# By model: the fields that are left out, and the fields that are recorded as dots.
_KEPT: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "postbacks.Postback": (frozenset(), frozenset(SECRET_FIELDS)),
    "partners.Program": (frozenset(), frozenset()),
    "partners.ActionTracker": (frozenset(), frozenset()),
    "partners.InAppEvent": (frozenset(), frozenset()),
    "partners.Partner": (frozenset(), frozenset()),
    "partners.Contract": (frozenset(), frozenset()),
    "partners.ContractTerm": (frozenset(), frozenset()),
    "partners.CategoryPayout": (frozenset(), frozenset()),
    "partners.AttributionRule": (frozenset(), frozenset({"value"})),  # It may be the id of a customer.
    "partners.ExchangeRate": (frozenset(), frozenset()),
    "partners.HeldRate": (frozenset({"held_at"}), frozenset()),
    "optimize_sources.MediaSource": (frozenset(), frozenset()),
    "actions.ApiToken": (frozenset({"token_sha256", "last_used_at"}), frozenset()),
    "portal.PartnerLink": (
        frozenset({"secret_sha256", "api_token_sha256", "opened_at", "created_by"}),
        frozenset({"password"}),
    ),
    "notices.Channel": (
        frozenset({"digested_on", "failing_since", "answered_at", "last_answer", "from_settings"}),
        frozenset({"address", "signing_key"}),
    ),
    "portal.Proposal": (frozenset({"made_against"}), frozenset({"secrets"})),
    "auth.User": (frozenset({"last_login", "date_joined"}), frozenset({"password"})),
    "auth.Group": (frozenset(), frozenset()),
}
_NAMED_BY_WHAT_IS_MASKED: Final = {"partners.attributionrule"}


def keep_histories() -> None:
    """Makes every save and delete of these models be recorded from now on."""
    for label, (left_out, masked) in _KEPT.items():
        model = apps.get_model(label)
        names = [field.name for field in model._meta.concrete_fields]  # noqa: SLF001 -- Django's documented interface
        auditlog.register(
            model,
            include_fields=[name for name in names if name not in _NEVER | left_out],
            mask_fields=sorted(masked),
            mask_callable=f"{__name__}.masked",
            m2m_fields={field.name for field in model._meta.many_to_many} - {"user_permissions"},  # noqa: SLF001 -- as above
        )


def leave_out_name(instance: Any, **_signal: Any) -> None:
    """For an entry about to be saved: if the name of the row contains a masked value, uses its id instead."""
    kind = instance.content_type
    if f"{kind.app_label}.{kind.model}" in _NAMED_BY_WHAT_IS_MASKED:
        instance.object_repr = f"{kind.name} {instance.object_pk}"


def name_what_is_referred_to(instance: Any, **_signal: Any) -> None:
    """For an entry about to be saved: replaces a changed reference by the current name of the row. auditlog itself
    would look up every reference of a row at each of its changes."""
    model = instance.content_type.model_class()
    for field in model._meta.concrete_fields if model else ():  # noqa: SLF001 -- Django's documented interface
        values = (instance.changes or {}).get(field.name)
        if field.is_relation and values:
            keys = [value for value in values if value != "None"]
            rows = field.related_model._default_manager.in_bulk(keys)  # noqa: SLF001 -- as above
            names = {str(key): str(row) for key, row in rows.items()}
            instance.changes[field.name] = [names.get(value, value) for value in values]


def masked(text: str) -> str:
    """Records only that a secret exists, and the names of secret headers. `text` is as auditlog writes it."""
    if text in ("", "None", "[]"):
        return ""
    try:
        pairs: Any = json.loads(text)
    except ValueError:
        return _DOTS
    if not isinstance(pairs, list):
        return _DOTS
    return "\n".join(f"{pair[0]}: {_DOTS}" if isinstance(pair, list) and len(pair) == 2 else _DOTS for pair in pairs)
