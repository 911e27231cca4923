"""Which rows belong to an account: those of its programs, its tokens, and what was reported with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Model

from actions.models import (
    Action,
    ActionEvent,
    ApiToken,
    BatchPart,
    EarlyChange,
    IdempotencyKey,
    Item,
    Submission,
)
from optimize_sources.models import MediaSource
from partners.models import (
    ActionTracker,
    AttributionRule,
    CategoryPayout,
    Contract,
    ContractTerm,
    InAppEvent,
    Partner,
    Program,
)
from postbacks.models import Delivery, Lane, Postback

_TRACKERS = "SELECT id FROM partners_actiontracker WHERE program_id = ANY (%(programs)s)"
_POSTBACKS = f"SELECT id FROM postbacks_postback WHERE action_tracker_id IN ({_TRACKERS})"  # noqa: S608 -- constants
_CONTRACTS = "SELECT id FROM partners_contract WHERE program_id = ANY (%(programs)s)"
_ACTIONS = "SELECT id FROM actions_action WHERE program_id = ANY (%(programs)s)"
_TOKENS = "SELECT id FROM actions_apitoken WHERE account_sid = %(account)s"
_SUBMISSIONS = f"SELECT id FROM actions_submission WHERE token_id IN ({_TOKENS})"  # noqa: S608 -- constants
_PARTNERS = f"""
SELECT partner_id FROM partners_contract WHERE program_id = ANY (%(programs)s)
UNION SELECT partner_id FROM partners_attributionrule WHERE program_id = ANY (%(programs)s)
UNION SELECT partner_id FROM actions_action WHERE program_id = ANY (%(programs)s)
UNION SELECT partner_id FROM postbacks_postback WHERE id IN ({_POSTBACKS})
"""  # noqa: S608 -- constants
_SOURCES = f"""
SELECT media_source_id FROM postbacks_postback WHERE id IN ({_POSTBACKS})
UNION SELECT unnest(media_source_ids) FROM actions_action WHERE program_id = ANY (%(programs)s)
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows of one table. `shared` ones may be there already; `instead` has what is written in place of columns."""

    model: type[Model]
    which: str
    shared: bool = False
    instead: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return self.model._meta.db_table  # noqa: SLF001 -- Django's documented interface

    @property
    def columns(self) -> list[str]:
        return [str(each.column) for each in self.model._meta.concrete_fields]  # noqa: SLF001 -- as above


# In the order in which they are read: each after those that its triggers look at.
KINDS = (
    Kind(Program, "id = ANY (%(programs)s)"),
    Kind(ActionTracker, "program_id = ANY (%(programs)s)"),
    Kind(InAppEvent, f"action_tracker_id IN ({_TRACKERS})"),
    Kind(Partner, f"id IN ({_PARTNERS})", shared=True),
    Kind(Contract, "program_id = ANY (%(programs)s)"),
    Kind(ContractTerm, f"contract_id IN ({_CONTRACTS})"),
    Kind(
        CategoryPayout,
        f"contract_term_id IN (SELECT id FROM partners_contractterm WHERE contract_id IN ({_CONTRACTS}))",  # noqa: S608
    ),
    Kind(AttributionRule, "program_id = ANY (%(programs)s)"),
    Kind(MediaSource, f"id IN ({_SOURCES})", shared=True),
    Kind(Postback, f"id IN ({_POSTBACKS})"),
    Kind(Lane, f"postback_id IN ({_POSTBACKS})"),
    Kind(Action, "program_id = ANY (%(programs)s)"),
    Kind(Item, f"action_id IN ({_ACTIONS})"),
    Kind(ActionEvent, f"action_id IN ({_ACTIONS})"),
    # A replay belongs to those who started it, and has ended.
    Kind(Delivery, f"action_id IN ({_ACTIONS})", instead={"replay_id": "NULL"}),
    # In its new cell, the account is one beside the cell's own.
    Kind(ApiToken, "account_sid = %(account)s", instead={"own_account": "true"}),
    Kind(Submission, f"token_id IN ({_TOKENS})"),
    Kind(IdempotencyKey, f"token_id IN ({_TOKENS})"),
    Kind(
        BatchPart,
        f"key_id IN (SELECT id FROM actions_idempotencykey WHERE token_id IN ({_TOKENS}))",  # noqa: S608 -- constants
    ),
    Kind(EarlyChange, f"submission_id IN ({_SUBMISSIONS})"),
)
