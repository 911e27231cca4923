"""The steps from nothing to the first delivered postback, and which of them are done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection
from django.urls import reverse

from postbacks.sample import Sample

# Each looks for one row; what belongs to the sample does not count, since nobody has set that up.
_DONE: Final = """
SELECT
  EXISTS (SELECT 1 FROM partners_program WHERE id <> %(program)s),
  EXISTS (SELECT 1 FROM partners_actiontracker WHERE program_id <> %(program)s),
  EXISTS (SELECT 1 FROM partners_contractterm t JOIN partners_contract c ON c.id = t.contract_id
          WHERE c.program_id <> %(program)s),
  EXISTS (SELECT 1 FROM postbacks_postback WHERE deleted_at IS NULL AND id <> %(postback)s),
  EXISTS (SELECT 1 FROM actions_action WHERE program_id <> %(program)s),
  EXISTS (SELECT 1 FROM postbacks_delivery WHERE state = 'delivered' AND postback_id <> %(postback)s)
"""
# As the counts know it, for ever: deliveries are deleted in time.
_EVER: Final = """
SELECT EXISTS (SELECT 1 FROM postbacks_rollup WHERE period = 'ever' AND postback_key NOT IN (0, %s) AND delivered > 0)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, where, and whether it is done; `url` is empty for users who may not do it."""

    title: str
    hint: str
    url: str
    done: bool


_STEPS: Final = (
    ("Add a program", "The brand whose conversions are reported.", "partners_program_add", "partners.add_program"),
    (
        "Add an event type",
        "What counts as a conversion in it: a sale, a lead.",
        "partners_actiontracker_add",
        "partners.add_actiontracker",
    ),
    (
        "Add a partner with a contract",
        "Who is paid for it, and how much.",
        "partners_partner_add",
        "partners.add_partner",
    ),
    (
        "Add a postback",
        "The URL at which the partner is told: on the partner's page.",
        "partners_partner_changelist",
        "postbacks.add_postback",
    ),
    (
        "Report the first conversion",
        "By hand here, by a file, or by a shop through the API.",
        "actions_action_report_by_hand",
        "actions.add_action",
    ),
    (
        "See it delivered",
        "The delivery log shows each request and its answer.",
        "postbacks_delivery_changelist",
        "postbacks.view_delivery",
    ),
)


def checklist(user: AbstractBaseUser | AnonymousUser, sample: Sample | None) -> list[Step]:
    """The steps; none once a postback has been delivered. One query then, two before."""
    postback = sample.postback.pk if sample else 0
    with connection.cursor() as cursor:
        cursor.execute(_EVER, [postback])
        if cursor.fetchone()[0]:
            return []
        cursor.execute(_DONE, {"program": sample.program.pk if sample else 0, "postback": postback})
        done = cursor.fetchone()
    if done[-1]:
        return []
    return [
        Step(title, hint, reverse(f"admin:{page}") if user.has_perm(permission) else "", is_done)  # type: ignore[union-attr]  # of every user
        for (title, hint, page, permission), is_done in zip(_STEPS, done, strict=True)
    ]
