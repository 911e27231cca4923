"""The steps from nothing to the first delivered postback, and which of them are done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection
from django.urls import reverse

from postbacks.egress.built_in import PREFIX

# Each looks for one row; what belongs to the sample does not count, since nobody has set that up. What was delivered is
# in the counts for ever, while deliveries are deleted in time; and among the deliveries at once.
_DONE: Final = """
WITH sample AS MATERIALIZED (
    SELECT p.id, t.program_id FROM postbacks_postback p
    JOIN partners_actiontracker t ON t.id = p.action_tracker_id WHERE starts_with(p.url, %s)
)
SELECT
  EXISTS (SELECT 1 FROM sample),
  EXISTS (SELECT 1 FROM partners_program WHERE id NOT IN (SELECT program_id FROM sample)),
  EXISTS (SELECT 1 FROM partners_actiontracker WHERE program_id NOT IN (SELECT program_id FROM sample)),
  EXISTS (SELECT 1 FROM partners_contractterm t JOIN partners_contract c ON c.id = t.contract_id
          WHERE c.program_id NOT IN (SELECT program_id FROM sample)),
  EXISTS (SELECT 1 FROM postbacks_postback WHERE deleted_at IS NULL AND id NOT IN (SELECT id FROM sample)),
  EXISTS (SELECT 1 FROM actions_action WHERE program_id NOT IN (SELECT program_id FROM sample)),
  EXISTS (SELECT 1 FROM postbacks_rollup WHERE period = 'ever' AND postback_key <> 0 AND delivered > 0
          AND postback_key NOT IN (SELECT id FROM sample))
  OR EXISTS (SELECT 1 FROM postbacks_delivery WHERE state = 'delivered' AND postback_id NOT IN (SELECT id FROM sample))
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


@dataclass(frozen=True, slots=True)
class FirstStart:
    """`steps` is empty once a postback has been delivered; `has_sample` says whether there seems to be a sample."""

    steps: list[Step]
    has_sample: bool


def first_start(user: AbstractBaseUser | AnonymousUser) -> FirstStart:
    """The steps as this user may take them; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_DONE, [PREFIX])
        has_sample, *done = cursor.fetchone()
    steps = [] if done[-1] else [_step(user, *each) for each in zip(_STEPS, done, strict=True)]
    return FirstStart(steps, has_sample)


def _step(user: Any, step: tuple[str, str, str, str], done: bool) -> Step:
    title, hint, page, permission = step
    return Step(title, hint, reverse(f"admin:{page}") if user.has_perm(permission) else "", done)
