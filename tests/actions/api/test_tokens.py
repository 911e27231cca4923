"""How tokens are kept, and how the command and the screen make them."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.audit.words import history_of
from actions.api.tokens import create_token, find_token
from actions.models import ApiToken
from actions.models.tokens import sealed
from partners.models import ActionTracker, Program
from tests.support.api_calls import ApiCaller
from tests.support.factories import (
    make_program,
    make_tracker,
    record_action,
)

pytestmark = pytest.mark.django_db


def test_a_narrowed_token_is_hidden_from_the_previous_release(tracker: ActionTracker) -> None:
    """Its processes look for the plain hash, and would grant everything."""
    for narrowed in ({"scopes": ["read"]}, {"programs": [tracker.program_id]}):
        token, text = create_token("x", **narrowed)
        assert token.token_sha256 != hashlib.sha256(text.encode()).hexdigest()
        assert len(token.token_sha256) == 64
        assert find_token(token.account_sid, text) == token
        # Nor does what is kept, or what was kept before, serve as a token.
        for kept in (token.token_sha256, hashlib.sha256(text.encode()).hexdigest()):
            assert find_token(token.account_sid, kept) is None
    token, text = create_token("y")
    plain = token.token_sha256
    token.scopes = ["read"]
    token.save(update_fields=["scopes"])
    assert ApiToken.objects.get(pk=token.pk).token_sha256 == sealed(plain)
    token.scopes = ["report", "read", "personal"]
    token.save()
    assert find_token(token.account_sid, text) == token


def test_the_command_makes_tokens_of_some_scopes_and_programs(
    tracker: ActionTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_api_token", "x", "--scope", "read", "--scope", "manage", "--program", str(tracker.program_id))
    assert "AuthToken" in capsys.readouterr().out
    token = ApiToken.objects.get()
    assert (token.scopes, token.program_ids) == (["read", "manage"], [tracker.program_id])
    with pytest.raises(CommandError, match="no program 999"):
        call_command("create_api_token", "y", "--program", "999")
    assert ApiToken.objects.count() == 1


def test_an_account_of_its_own_is_told_from_the_others(
    tracker: ActionTracker, capsys: pytest.CaptureFixture[str]
) -> None:
    def made(*options: str) -> str:
        call_command("create_api_token", "x", *options)
        return str(capsys.readouterr().out).split()[1]

    program = ("--program", str(tracker.program_id))
    own = made(*program, "--own-account")
    usual = made()
    assert made() == usual != own
    assert made(*program, "--own-account", own) == own, "a further token of the same account"
    assert made(*program, "--own-account") not in {usual, own}
    with pytest.raises(CommandError, match="needs the programs"):
        made("--own-account")
    with pytest.raises(CommandError, match="No token with an account of its own"):
        made(*program, "--own-account", usual)
    assert ApiToken.objects.count() == 5


# The screen.

PAGE = "/admin/actions/apitoken/"


def form(**fields: Any) -> dict[str, Any]:
    return {"name": "warehouse", "scopes": ["read"], **fields}


def test_a_token_is_made_on_the_screen_for_one_program(root: Client, tracker: ActionTracker) -> None:
    page = root.get(f"{PAGE}add/").content.decode()
    assert all(label in page for _, label in ApiToken.Scope.choices)
    assert root.post(f"{PAGE}add/", form(programs=[tracker.program_id])).status_code == 302
    token = ApiToken.objects.get()
    assert (token.scopes, token.program_ids) == (["read"], [tracker.program_id])
    change = f"{PAGE}{token.pk}/change/"
    assert root.post(change, form(scopes=["read", "manage"], every_program="on")).status_code == 302
    token.refresh_from_db()
    assert (token.scopes, token.program_ids) == (["read", "manage"], None)
    newest = history_of(token)[0]
    assert {each.name for each in newest.changes} == {"Scopes", "Program ids"}


@pytest.mark.parametrize("both", [True, False], ids=["both", "neither"])
def test_all_programs_are_never_chosen_by_emptying_a_list(root: Client, tracker: ActionTracker, both: bool) -> None:
    fields = form(every_program="on", programs=[tracker.program_id]) if both else form()
    page = root.post(f"{PAGE}add/", fields)
    assert page.status_code == 200
    assert "Choose programs, or tick" in page.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_whose_programs_are_deleted_sees_nothing(root: Client, db: None) -> None:
    program = make_program()
    call = ApiCaller(program, scopes=["read"])
    record_action(make_tracker())
    Program.objects.filter(pk=program.pk).delete()
    assert call.account("GET", "Actions").json()["Actions"] == []
    page = root.get(f"{PAGE}{call.token.pk}/change/").content.decode()
    assert not re.search(r"\schecked\b(?!:)", _box(page))
    assert root.post(f"{PAGE}{call.token.pk}/change/", form()).status_code == 200  # It has to be decided.


def _box(page: str) -> str:
    """The box for all programs."""
    at = page.index('name="every_program"')
    return page[page.rindex("<input", 0, at) : page.index(">", at)]
