"""Processes of the previous release know neither Basic nor OAuth 2.0 nor client certificates: they do not send."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt, encrypt
from postbacks.credentials.secrets.headers import decrypted
from postbacks.models import Postback
from postbacks.models.secret_headers import MARK
from tests.support.delivery_rows import make_lane

pytestmark = pytest.mark.django_db


def in_the_database(postback: Postback) -> list[list[str]]:
    """As the previous release reads it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_headers::text FROM postbacks_postback WHERE id = %s", [postback.pk])
        stored: list[list[str]] = json.loads(cursor.fetchone()[0])
    return stored


@pytest.mark.parametrize(
    "asking",
    [
        {"authentication": "basic"},
        {"authentication": "oauth2"},
        {"client_certificate": "PEM"},
        {"trusted_authorities": "P"},
    ],
)
def test_a_process_of_the_previous_release_sends_nothing(asking: dict[str, str]) -> None:
    header = ["X-Key", encrypt("v4lue")]
    postback = make_lane(secret_headers=[header])
    assert in_the_database(postback) == [header]
    Postback.objects.filter(pk=postback.pk).update(**asking)
    assert in_the_database(postback) == [header, [MARK, "-"]]
    with pytest.raises(SecretUnreadableError):  # So it counts as locked, and nothing of it is claimed.
        decrypted(in_the_database(postback))

    postback.refresh_from_db()
    assert postback.secret_headers == [header], "this release does not see the mark"
    postback.secret_headers = []
    postback.save(update_fields=["secret_headers"])
    assert in_the_database(postback) == [[MARK, "-"]], "no save takes it away"
    Postback.objects.filter(pk=postback.pk).update(
        authentication="none", client_certificate="", trusted_authorities="", secret_headers=[header]
    )
    assert in_the_database(postback) == [header]
    assert decrypt(header[1]) == "v4lue"
