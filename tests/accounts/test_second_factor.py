"""Signing in with a second factor: who needs one, what a code is worth, and the ways in without a phone."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from auditlog.models import LogEntry
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp
from pytest_django import Settings

from accounts.roles.table import Role
from accounts.roles.users import create_user
from accounts.second_factor import model
from accounts.second_factor.changes import pending, replace_codes, use
from accounts.second_factor.model import SecondFactor
from postbacks.credentials.secrets.rotation import rotate_secrets

pytestmark = pytest.mark.django_db
VERIFY, SET_UP, HOME = "/admin/second-factor/", "/admin/second-factor/set-up/", "/admin/"


class Person:
    """A user with a browser, and with an app once there is a key."""

    def __init__(self, role: Role = Role.OPERATOR, name: str = "ada") -> None:
        create_user(name, role)
        self.user = User.objects.get(username=name)
        self.browser = self.signed_in()

    def signed_in(self) -> Client:
        """A browser that knows the password alone."""
        browser = Client(REMOTE_ADDR="192.0.2.7")
        browser.force_login(self.user)
        return browser

    def code(self, later: int = 0) -> str:
        key = base64.b32decode(SecondFactor.objects.get(user=self.user).typed_key)
        return f"{totp(key, drift=later):06d}"

    def set_up(self) -> list[str]:
        """Turns it on and signs in with it; the recovery codes."""
        self.browser.get(SET_UP)
        page = self.browser.post(SET_UP, {"code": self.code()}).content.decode()
        return re.findall(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b", page)

    def has_waited(self) -> None:
        """As if some time had passed since the last code was wrong, or was used."""
        long_ago = timezone.now() - timedelta(hours=1)
        SecondFactor.objects.update(throttling_failure_timestamp=long_ago, last_step=-1)


def history(user: User) -> list[tuple[str, Any]]:
    entries = LogEntry.objects.get_for_object(user).order_by("pk")
    changes = [pair for entry in entries for pair in (entry.changes or {}).items()]
    return [(name, values) for name, values in changes if name in ("second factor", "recovery codes")]


def test_without_one_a_password_is_enough_unless_it_is_required(settings: Settings) -> None:
    person = Person()
    assert person.browser.get(HOME).status_code == 200
    settings.SECOND_FACTOR = "all"
    answer = person.browser.get("/admin/partners/partner/?q=a")
    assert answer.headers["Location"] == f"{SET_UP}?next=%2Fadmin%2Fpartners%2Fpartner%2F%3Fq%3Da"


@pytest.mark.parametrize(
    ("setting", "role", "needed"),
    [
        ("nobody", Role.ADMINISTRATOR, False),
        ("changing", Role.VIEWER, False),
        ("changing", Role.OPERATOR, True),
        ("changing", Role.ADMINISTRATOR, True),
        ("all", Role.VIEWER, True),
    ],
)
def test_the_setting_says_of_whom_it_is_required(settings: Settings, setting: str, role: Role, needed: bool) -> None:
    settings.SECOND_FACTOR = setting
    browser = Person(role).browser
    assert (browser.get(HOME).status_code == 302) is needed
    assert browser.get(SET_UP).status_code == 200


def test_a_code_confirms_the_app_and_the_session() -> None:
    person = Person()
    page = person.browser.get(SET_UP).content.decode()
    assert 'src="data:image/svg+xml' in page
    assert SecondFactor.objects.get().typed_key in page
    assert person.signed_in().get(HOME).status_code == 200  # It does not count before it is confirmed.

    codes = person.set_up()

    assert len(set(codes)) == 10
    assert person.browser.get(HOME).status_code == 200
    assert history(person.user) == [("second factor", ["off", "on"]), ("recovery codes", ["", "new ones"])]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", [HOME, "/admin/password_change/", "/admin/postbacks/postback/", "/admin/auth/user/"])
def test_with_one_no_page_opens_by_the_password_alone(path: str, method: str) -> None:
    person = Person(Role.ADMINISTRATOR)
    person.set_up()
    answer = getattr(person.signed_in(), method)(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{VERIFY}?next=")


def test_who_has_the_password_alone_cannot_set_up_another_app() -> None:
    person = Person()
    person.set_up()
    key = SecondFactor.objects.get().key
    other = person.signed_in()
    assert other.get(SET_UP).headers["Location"] == VERIFY
    assert other.post(SET_UP, {"code": "000000", "off": ""}).headers["Location"] == VERIFY
    assert SecondFactor.objects.get().key == key


def test_a_code_leads_to_where_the_user_wanted_and_to_no_other_host() -> None:
    person = Person()
    person.set_up()
    for wanted, comes in (("/admin/partners/partner/", "/admin/partners/partner/"), ("https://evil.example/", HOME)):
        person.has_waited()
        answer = person.signed_in().post(f"{VERIFY}?next={wanted}", {"code": person.code()})
        assert answer.headers["Location"] == comes


def test_a_code_is_valid_once_and_for_a_minute_or_so() -> None:
    person = Person()
    person.set_up()
    person.has_waited()
    used = person.code()
    assert use(person.user, used)[0]
    SecondFactor.objects.update(throttling_failure_timestamp=None)
    assert not use(person.user, used)[0]
    for later in (-3, 3):
        person.has_waited()
        assert not use(person.user, person.code(later))[0], later
    for later in (-1, 1):
        person.has_waited()
        assert use(person.user, person.code(later))[0], later


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "abcdef", "\u0661\u0662\u0663\u0664\u0665\u0666", "-12345", "1" * 41]
)
def test_what_is_no_code_is_refused(typed: str) -> None:
    person = Person()
    person.set_up()
    person.has_waited()
    answer = person.signed_in().post(VERIFY, {"code": typed})
    assert answer.status_code == 200
    assert SecondFactor.objects.get().last_step == -1


def test_a_recovery_code_signs_in_once_however_it_is_typed() -> None:
    person = Person()
    codes = person.set_up()
    browser = person.signed_in()
    assert browser.post(VERIFY, {"code": codes[0].upper().replace("-", " ")}).status_code == 302
    assert browser.get(HOME).status_code == 200
    assert ("recovery codes", ["10 left", "9 left"]) in history(person.user)

    again = person.signed_in()
    assert again.post(VERIFY, {"code": codes[0]}).status_code == 200
    assert again.get(HOME).status_code == 302


def test_wrong_codes_make_the_user_wait_and_the_address_too() -> None:
    person = Person()
    person.set_up()
    person.has_waited()
    browser = person.signed_in()
    assert "Wait 1 s" in browser.post(VERIFY, {"code": "000000"}).content.decode()
    right = person.code()
    assert browser.post(VERIFY, {"code": right}).status_code == 200  # Not yet: who guesses must wait as well.

    for _ in range(7):
        person.has_waited()
        assert browser.post(VERIFY, {"code": "000000"}).status_code == 200
    person.has_waited()
    assert browser.post(VERIFY, {"code": "000000"}).status_code == 429
    person.has_waited()
    assert browser.post(VERIFY, {"code": person.code()}).status_code == 429


def test_it_is_turned_off_with_a_code_alone_and_not_where_it_is_required(settings: Settings) -> None:
    person = Person()
    person.set_up()
    assert person.browser.post(SET_UP, {"code": "000000", "off": ""}).status_code == 200
    settings.SECOND_FACTOR = "all"
    person.has_waited()
    person.browser.post(SET_UP, {"code": person.code(), "off": ""})
    assert SecondFactor.objects.exists()
    settings.SECOND_FACTOR = "nobody"
    person.has_waited()
    person.browser.post(SET_UP, {"code": person.code(), "off": ""})
    assert not SecondFactor.objects.exists()
    assert history(person.user)[-1] == ("second factor", ["on", "off"])


def test_a_command_resets_it_and_ends_what_it_confirmed(settings: Settings) -> None:
    settings.SECOND_FACTOR = "all"
    person = Person()
    person.set_up()
    out = StringIO()
    call_command("reset_second_factor", "ada", stdout=out)
    assert "ada signs in with the password alone" in out.getvalue()
    assert history(person.user)[-1] == ("second factor", ["on", "off"])
    assert person.browser.get(HOME).headers["Location"].startswith(SET_UP)
    for name in ("ada", "nobody"):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", name)


def test_neither_the_key_nor_a_recovery_code_can_be_read_in_the_database() -> None:
    person = Person()
    codes = person.set_up()
    key = SecondFactor.objects.get().typed_key
    with connection.cursor() as cursor:
        cursor.execute("SELECT factor::text FROM people_secondfactor factor")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT entry::text FROM auditlog_logentry entry")
        stored += str(cursor.fetchall())
    assert not any(secret in stored for secret in (key, *codes, *(code.replace("-", "") for code in codes)))


def test_its_key_moves_to_the_newest_key_and_one_that_is_lost_is_named(settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.POSTBACKS_ENCRYPTION_KEYS = [old]
    person = Person()
    person.set_up()
    key = SecondFactor.objects.get().typed_key
    settings.POSTBACKS_ENCRYPTION_KEYS = [new, old]
    assert rotate_secrets().others == 1
    settings.POSTBACKS_ENCRYPTION_KEYS = [new]
    assert SecondFactor.objects.get().typed_key == key

    settings.POSTBACKS_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    (unreadable,) = rotate_secrets().unreadable
    assert unreadable.startswith("Second factor of ada: ")
    page = person.signed_in().post(VERIFY, {"code": "123456"}).content.decode()
    assert "cannot be read. Ask an administrator to reset it." in page


def test_new_recovery_codes_end_those_before() -> None:
    person = Person()
    before = person.set_up()
    after = replace_codes(SecondFactor.objects.get())
    person.has_waited()
    assert not use(person.user, before[0])[0]
    person.has_waited()
    assert use(person.user, after[0])[0]


def test_the_pages_are_for_who_has_signed_in(client: Client) -> None:
    for path in (VERIFY, SET_UP):
        assert client.get(path).headers["Location"].startswith("/admin/login/")


def test_the_picture_names_the_program_and_the_user() -> None:
    person = Person()
    factor = pending(person.user)
    assert factor.app_url.startswith("otpauth://totp/Partner%20Postbacks%3Aada?secret=")
    assert factor.app_url.endswith("&issuer=Partner%20Postbacks")
    assert model.DIGITS == 6
