"""`manage.py partner_link`."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from partners.models import Partner
from portal.models import PartnerLink
from tests.support.factories import make_media_source

pytestmark = pytest.mark.django_db


def run(*words: str) -> Any:
    printed = io.StringIO()
    call_command("partner_link", *words, "--json", stdout=printed)
    return json.loads(printed.getvalue())


def test_a_link_and_its_token_are_made_listed_and_revoked(partner: Partner) -> None:
    rights = ("--right", "test", "--right", "propose")
    made = run("create", "--partner", "Compass", "--name", "engineer", "--ends", "30d", *rights, "--token")
    client = Client()
    assert client.get(made["link"].removeprefix("http://localhost:8000")).status_code == 302
    api = {"Authorization": f"Bearer {made['token']}"}
    assert client.get("/api/v1/partner/postbacks", headers=api).status_code == 200
    (listed,) = run("list", "--partner", str(partner.pk))
    assert (listed["state"], listed["rights"], listed["token"]) == ("valid", ["test", "propose"], True)
    assert made["token"] not in str(listed)
    assert run("revoke", str(made["id"])) == {"revoked": [made["id"]]}
    assert run("list")[0]["state"] == "revoked"
    assert client.get("/api/v1/partner/postbacks", headers=api).status_code == 401


def test_a_token_is_made_later_replaced_and_withdrawn(partner: Partner) -> None:
    made = str(run("create", "--partner", "Compass", "--name", "engineer")["id"])
    first, second = (run("token", made)["token"] for _ in range(2))
    assert [is_taken(each) for each in (first, second)] == [False, True]
    run("token", made, "--withdraw")
    assert not is_taken(second)
    run("revoke", made)
    for wrong in (made, "987654321"):
        with pytest.raises(CommandError, match=r"not in force|There is no link"):
            run("token", wrong)


def is_taken(token: str) -> bool:
    api = {"Authorization": f"Bearer {token}"}
    return Client().get("/api/v1/partner/postbacks", headers=api).status_code == 200


def test_a_password_comes_from_stdin(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("create", "--partner", "Compass", "--name", "engineer", "--password-stdin")
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="fewer than 12"):
        run(*words)
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough for it\n"))
    run(*words)
    assert PartnerLink.objects.get().password.startswith(("pbkdf2", "argon2", "md5", "scrypt"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--partner", "Nobody"], "There is no partner Nobody"),
        (["--network", "Compass"], "There is no network Compass"),
        (["--network", "Ads", "--ends", "2y"], "--ends"),
        (["--network", "Ads", "--ends", "400d"], "a year at most"),
        (["--network", "Ads", "--ends", "0"], "a year at most"),
        (["--network", "Ads", "--email", "nowhere"], "Nothing was made"),
    ],
)
def test_what_makes_no_sense_makes_no_link(partner: Partner, words: list[str], says: str) -> None:
    make_media_source(name="Ads")
    with pytest.raises(CommandError, match=says):
        run("create", "--name", "engineer", *words)
    assert not PartnerLink.objects.exists()


def test_revoking_an_unknown_one_revokes_nothing(partner: Partner) -> None:
    made = run("create", "--partner", "Compass", "--name", "engineer")
    with pytest.raises(CommandError, match="There is no link 9"):
        run("revoke", str(made["id"]), "9")
    assert PartnerLink.objects.get().revoked_at is None
