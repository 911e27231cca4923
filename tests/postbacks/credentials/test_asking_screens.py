"""How a receiver wants to be asked, in form, file and API: typed once, masked ever after, for one place only."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from django.test import Client

from partners.models import ActionTracker
from postbacks.admin.integrations.copying import copy_to
from postbacks.config_file.dump import dump_config
from postbacks.config_file.load import load_config
from postbacks.config_file.one_postback import postback_values, save_postback
from postbacks.credentials.asking.fields import BOUND_TO, FIELDS, SECRETS
from postbacks.credentials.secrets.cipher import decrypt, encrypt
from postbacks.credentials.secrets.rotation import SECRET_FIELDS, rotate_secrets
from postbacks.models import Postback
from postbacks.validation import request_template
from tests.postbacks.credentials.test_secrets_screens import fields, page
from tests.support.authorities import authority
from tests.support.factories import make_media_source, make_postback, make_tracker
from value_types.secret_text import MASK

pytestmark = pytest.mark.django_db

PASSWORD, SECRET = "pässword: of the test", "s3cret-of-the-client"
BASIC = {"authentication": "basic", "basic_user": "shöp", "basic_password": PASSWORD}
OAUTH = {
    "authentication": "oauth2",
    "oauth_token_url": "https://tokens.example/token",
    "oauth_client_id": "shop",
    "oauth_client_secret": SECRET,
    "oauth_client_auth": "body",
    "oauth_scope": "postbacks write",
    "oauth_audience": "https://receiver.example/",
    "oauth_parameters": "resource=orders",
}
URL = "https://receiver.example/in"


def certificate() -> dict[str, str]:
    signed = authority("authority of clients").sign("shop")
    return {
        "client_certificate": signed.certificate,
        "client_key": signed.key,
        "trusted_authorities": authority().pem,
    }


@pytest.fixture
def postback() -> Postback:
    return make_postback(make_tracker(), make_media_source(), url=URL)


def stored(postback: Postback) -> dict[str, str]:
    postback.refresh_from_db()
    return {
        name: str(decrypt(value)) if name in SECRETS and (value := getattr(postback, name)) else getattr(postback, name)
        for name in FIELDS
    }


@pytest.mark.parametrize("kind", [BASIC, OAUTH], ids=["basic", "oauth2"])
def test_the_form_keeps_what_is_typed_and_shows_only_the_mask(
    root: Client, postback: Postback, kind: dict[str, str]
) -> None:
    typed = {**kind, **certificate()}
    assert root.post(page(postback), fields(postback, secret_headers="", **typed)).status_code == 302
    assert {name: value.strip() for name, value in stored(postback).items() if name in typed} == {
        name: value.strip() for name, value in typed.items()
    }
    tokens = {name: getattr(postback, name) for name in SECRETS}

    shown = root.get(page(postback)).content.decode()
    for name in SECRETS:
        assert not tokens[name] or tokens[name] not in shown
    assert not any(secret in shown for secret in (PASSWORD, SECRET, typed["client_key"].splitlines()[1]))

    masks = {name: MASK for name in SECRETS if tokens[name]}
    assert root.post(page(postback), fields(postback, secret_headers="", **(typed | masks))).status_code == 302
    postback.refresh_from_db()
    assert {name: getattr(postback, name) for name in SECRETS} == tokens

    assert (
        root.post(page(postback), fields(postback, secret_headers="", **dict.fromkeys(FIELDS, ""))).status_code == 302
    )
    assert not any(stored(postback)[name] for name in FIELDS if name not in ("authentication", "oauth_client_auth"))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (BASIC, {"url": "https://elsewhere.example/in"}),
        (BASIC, {"url": "https://receiver.example:8443/in"}),
        (OAUTH, {"url": "https://elsewhere.example/in"}),
        (OAUTH, {"oauth_token_url": "https://elsewhere.example/token"}),
    ],
)
def test_a_secret_is_typed_again_for_another_place(
    root: Client, postback: Postback, kind: dict[str, str], change: dict[str, str]
) -> None:
    typed = {**kind, **certificate()}
    root.post(page(postback), fields(postback, secret_headers="", **typed))
    before = stored(postback)
    masks = {name: MASK for name in SECRETS if name in typed}
    answer = root.post(page(postback), fields(postback, secret_headers="", **(typed | masks | change)))
    assert answer.status_code == 200
    assert "was given for the one before. Type it again." in answer.content.decode()
    assert stored(postback) == before


def test_every_secret_is_bound_and_rotated() -> None:
    assert set(SECRETS) <= set(SECRET_FIELDS)
    assert set(BOUND_TO) == {*SECRETS, "secret_headers"}


def test_a_file_gives_it_and_a_dump_loads_back(postback: Postback) -> None:
    values = {**OAUTH, **certificate()}
    document = yaml.safe_load(dump_config())
    document["media_sources"][0]["postbacks"][0] |= values
    load_config(yaml.dump(document))
    assert stored(postback)["oauth_client_secret"] == SECRET
    dumped = dump_config()
    assert SECRET not in dumped
    entry = yaml.safe_load(dumped)["media_sources"][0]["postbacks"][0]
    assert (entry["oauth_client_secret"], entry["client_key"]) == (MASK, MASK)
    assert load_config(dumped).changes == []
    assert [change.sign for change in load_config(yaml.dump(document)).changes] == []

    document["media_sources"][0]["postbacks"][0]["oauth_client_secret"] = "another"
    assert [str(change) for change in load_config(yaml.dump(document)).changes]
    assert stored(postback)["oauth_client_secret"] == "another"


def test_the_api_takes_it_and_answers_with_masks(postback: Postback) -> None:
    saved = save_postback(BASIC, postback.owner, ActionTracker.objects.all(), before=postback)
    assert saved.problems == []
    assert stored(postback)["basic_password"] == PASSWORD
    shown = postback_values(postback)
    assert (shown["basic_user"], shown["basic_password"]) == ("shöp", MASK)
    assert json.loads(json.dumps(shown["basic_password"])) == MASK
    moved = save_postback(
        {"url": "https://elsewhere.example/"}, postback.owner, ActionTracker.objects.all(), before=postback
    )
    assert [problem.place.path for problem in moved.problems] == ["basic_password"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({**BASIC, "basic_user": "a:b"}, "basic_user"),
        ({**BASIC, "basic_user": ""}, "basic_user"),
        ({**BASIC, "basic_password": ""}, "basic_password"),
        ({**BASIC, "headers": "authorization: Token x"}, "headers"),
        ({**BASIC, "secret_headers": {"Authorization": "Token x"}}, "secret_headers"),
        ({**OAUTH, "headers": "Authorization: Token x"}, "headers"),
        ({**OAUTH, "oauth_token_url": ""}, "oauth_token_url"),
        ({**OAUTH, "oauth_token_url": "ftp://tokens.example/"}, "oauth_token_url"),
        ({**OAUTH, "oauth_token_url": "https://10.0.0.1/token"}, "oauth_token_url"),
        ({**OAUTH, "oauth_client_id": ""}, "oauth_client_id"),
        ({**OAUTH, "oauth_client_secret": ""}, "oauth_client_secret"),
        ({**OAUTH, "oauth_parameters": "resource"}, "oauth_parameters"),
        ({**OAUTH, "oauth_parameters": "client_secret=x"}, "oauth_parameters"),
        ({**OAUTH, "basic_user": "left over"}, "basic_user"),
    ],
)
def test_what_cannot_be_asked_so_is_refused(postback: Postback, given: dict[str, Any], field: str) -> None:
    saved = save_postback(given, postback.owner, ActionTracker.objects.all(), before=postback)
    assert field in {problem.place.path for problem in saved.problems}
    assert PASSWORD not in str(saved.problems)
    assert SECRET not in str(saved.problems)


def test_a_copy_keeps_it_and_the_keys_are_rotated(postback: Postback) -> None:
    Postback.objects.filter(pk=postback.pk).update(**{**BASIC, "basic_password": encrypt(PASSWORD)})
    postback.refresh_from_db()
    copied = copy_to([postback], [make_media_source()]).made[0]
    assert stored(copied)["basic_password"] == PASSWORD
    before = postback.basic_password
    assert rotate_secrets().unreadable == []
    postback.refresh_from_db()
    assert (postback.basic_password == before, decrypt(postback.basic_password)) == (False, PASSWORD)
    assert request_template(postback).asking.basic == ("shöp", PASSWORD)
