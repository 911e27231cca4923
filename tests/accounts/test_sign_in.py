"""Signing in: guessing is stopped by address, sessions are short, and whose address it is cannot be made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import F
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from accounts.roles.table import Role
from accounts.roles.users import create_user
from accounts.sign_in.address import client_address

LOGIN = "/admin/login/"


@pytest.fixture
def password(db: None) -> str:
    """That of the user ada."""
    return create_user("ada", Role.OPERATOR)


def sign_in(password: str, name: str = "ada", address: str = "192.0.2.7", **headers: str) -> Any:
    fields = {"username": name, "password": password, "next": "/admin/"}
    return Client(REMOTE_ADDR=address, headers=headers).post(LOGIN, fields)


def guess(times: int, **how: str) -> list[int]:
    return [sign_in(f"wrong-{number}", **how).status_code for number in range(times)]


def test_after_ten_failures_nobody_signs_in_from_that_address(password: str) -> None:
    assert guess(9) == [200] * 9
    assert sign_in(password).status_code == 302  # Nine are no reason yet, and are not forgiven.

    assert guess(1, name="grace") == [429]  # Whose name it is does not count, nor whether there is one.

    refused = sign_in(password)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "900"
    assert "for 15 minutes" in refused.content.decode()
    assert "ada" not in refused.content.decode()
    assert sign_in(password, address="192.0.2.8").status_code == 302


def test_after_a_quarter_of_an_hour_it_is_forgotten(password: str) -> None:
    guess(10)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=14))
    assert guess(3) == [429] * 3  # Tries meanwhile do not make it longer.
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(seconds=61))

    assert sign_in(password).status_code == 302


def test_guesses_through_a_proxy_count_for_the_guesser(password: str, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    for number in range(10):  # Each with another address made up.
        guess(1, **{"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9"})

    assert sign_in(password, **{"X-Forwarded-For": "198.51.100.99, 203.0.113.9"}).status_code == 429
    assert sign_in(password, **{"X-Forwarded-For": "203.0.113.10"}).status_code == 302


@pytest.mark.parametrize(
    ("proxies", "forwarded", "connection", "address"),
    [
        (0, "203.0.113.9", "192.0.2.7", "192.0.2.7"),
        (1, "203.0.113.9", "192.0.2.7", "203.0.113.9"),
        (1, "1.1.1.1, 203.0.113.9", "192.0.2.7", "203.0.113.9"),
        (2, "1.1.1.1, 203.0.113.9, 198.51.100.1", "192.0.2.7", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.7", "192.0.2.7"),  # Came past the first proxy.
        (1, "", "192.0.2.7", "192.0.2.7"),
        (1, "unknown", "192.0.2.7", "192.0.2.7"),
        (1, "203.0.113.9:41234", "192.0.2.7", "203.0.113.9"),
        (1, "[2001:db8:1:2:3:4:5:6]:443", "192.0.2.7", "2001:db8:1:2::"),
        (0, "", "2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        (0, "", "::ffff:192.0.2.7", "192.0.2.7"),
        (0, "", "fe80::1%eth0", "fe80::"),
        (0, "", "", None),
    ],
)
def test_whose_address_counts(
    settings: Settings, proxies: int, forwarded: str, connection: str, address: str | None
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request: HttpRequest = RequestFactory(REMOTE_ADDR=connection, headers={"X-Forwarded-For": forwarded}).get("/")

    assert client_address(request) == address


def test_a_session_ends_with_the_browser_and_after_twelve_hours(password: str) -> None:
    answer = sign_in(password)

    cookie = answer.cookies["sessionid"]
    assert (cookie["max-age"], cookie["expires"]) == ("", "")
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    lasts = Session.objects.get().expire_date - timezone.now()
    assert timedelta(hours=11, minutes=59) < lasts <= timedelta(hours=12)


def test_whoever_is_made_inactive_or_gets_a_new_password_is_out_at_once(client: Client, password: str) -> None:
    user = User.objects.get(username="ada")
    client.force_login(user)
    assert client.get("/admin/").status_code == 200
    user.set_password("another-otter-9-violet")
    user.save()
    assert client.get("/admin/").status_code == 302

    client.force_login(user)
    assert client.get("/admin/").status_code == 200
    user.is_active = False
    user.save()
    assert client.get("/admin/").status_code == 302


def test_whoever_signs_in_without_having_been_sent_comes_to_the_dashboard(password: str) -> None:
    answer = Client().post(LOGIN, {"username": "ada", "password": password})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
