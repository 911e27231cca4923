"""Passwords are refused by how soon a guesser comes to them."""

from __future__ import annotations

import secrets
import time

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

USER = User(username="ada.lovelace", first_name="Ada", last_name="Lovelace", email="ada@harbor.example")


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "aaaaaaaaaaaaaa",
        "Password1234!",
        "qwertyuiop123",
        "adalovelace1815",
        "abcabcabcabcabc",
        "partnerpostbacks",
        "iloveyou12345",
        "short-Xy9!",
    ],
)
def test_a_password_that_is_soon_guessed_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, USER)


@pytest.mark.parametrize(
    "password", ["violet otter plumbing tundra", "tR7#kq-Zw2!vXp", secrets.token_urlsafe(15)], ids=range(3)
)
def test_a_password_that_is_not_is_taken(password: str) -> None:
    validate_password(password, USER)


def test_a_password_of_any_length_is_judged_in_time() -> None:
    began = time.process_time()
    validate_password("violet otter plumbing tundra " * 140, USER)
    assert time.process_time() - began < 3
