"""Holds what new actions refer to in the set-up until the commit, so that nobody deletes it beside them.

What a foreign key does for each row, one statement does for all rows of a recording. For a transaction that does not
say so, a trigger does it row by row (`actions/migrations/0033_new_actions_hold_the_set_up.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from actions.models import Action
from actions.recording.messages import put_off
from actions.recording.planned import Planned

SAYS_SO: Final = "SET LOCAL postbacks.holds_setup = 'yes'"
HOLD: Final = Planned("hold_setup", "SELECT actions_hold_setup(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])")


def hold(actions: Sequence[Action]) -> None:
    """Have the programs, event types, partners and terms of new actions held, at the latest with COMMIT (`messages`).

    That fails with an IntegrityError if one of them is gone.
    """
    if actions:
        rows = [vars(action) for action in actions]  # Past Django's descriptors, as an import adds thousands.
        names = ("program_id", "action_tracker_id", "partner_id", "contract_term_id")
        put_off(HOLD.text, [_array({values[name] for values in rows} - {None}) for name in names])


def _array(ids: Iterable[int]) -> str:
    return f"{{{','.join(map(str, ids))}}}"
