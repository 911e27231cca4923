"""Secret headers: encrypted in the database, masked wherever people look, whole only at the receiver."""

from __future__ import annotations

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from partners.models import ActionTracker, Partner
from postbacks.config_file.dump import dump_config
from postbacks.config_file.load import load_config
from postbacks.config_file.problems import ConfigError
from postbacks.credentials.secrets.cipher import SecretUnreadableError, decrypt, encrypt
from postbacks.credentials.secrets.headers import Typed, masked_lines, parse_lines, receiver_of, to_store
from postbacks.credentials.secrets.mask import scrubber
from postbacks.delivery.setups import Setups
from postbacks.models import Postback
from postbacks.request.building import compile_request
from postbacks.validation import postback_errors, request_template
from tests.support.factories import make_partner, make_postback, make_term, make_tracker
from value_types.secret_text import MASK, SecretText

TOKEN = "tok-Qm9{ActionId}/xyz+41"
URL, ELSEWHERE = "https://receiver.example/in", "https://elsewhere.example/in"


@pytest.fixture
def owner(db: None) -> tuple[ActionTracker, Partner]:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner)
    return tracker, partner


def test_lines_are_read_and_masked_ones_mean_what_is_stored() -> None:
    stored = to_store(parse_lines(f"X-Token: {TOKEN}\n\n Authorization : Bearer a:b"), URL, [], "")
    assert [(name, decrypt(token)) for name, token in stored] == [("X-Token", TOKEN), ("Authorization", "Bearer a:b")]
    assert TOKEN not in str(stored)
    assert masked_lines(stored) == f"X-Token: {MASK}\nAuthorization: {MASK}"
    assert to_store(parse_lines(masked_lines(stored)), URL, stored, URL) == stored
    assert to_store(parse_lines(f"x-token: {MASK}"), URL, stored, URL) == [["x-token", stored[0][1]]]
    assert to_store([Typed("X-Token", SecretText(TOKEN))], URL, stored, URL) == stored[:1], "the same value"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("X-Key", "line 1: Not “Name: value”: the colon is missing."),
        ("\nX-Key:", "line 2: The value of X-Key is missing. Type it, or take the line out."),
        (
            f"X-Key: a{MASK}",
            "line 1: The value of X-Key holds the mask. Type the whole value, or leave the mask alone.",
        ),
        ("X-Key: a\x0bb", "line 1: The value of X-Key holds a control character, which no header can."),
        ("X-Key: " + "a" * 4097, "line 1: The value of X-Key is longer than 4,096 characters."),
    ],
)
def test_a_line_that_cannot_be_used_is_named_without_its_value(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 -- the whole text is compared
        parse_lines(text)
    assert str(error.value) == problem


def test_a_secret_does_not_go_along_to_another_receiver() -> None:
    stored = [["X-Key", encrypt(TOKEN)]]
    with pytest.raises(ValueError, match="The URL names another receiver, and the value of X-Key was given for"):
        to_store([Typed("X-Key", None)], ELSEWHERE, stored, URL)
    assert len(to_store([Typed("X-Key", SecretText("new"))], ELSEWHERE, stored, URL)) == 1
    with pytest.raises(ValueError, match="No value of X-Other is kept"):
        to_store([Typed("X-Other", None)], URL, stored, URL)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/in?x={A}", "HTTPS://A.example:443", True),
        ("http://a.example", "https://a.example", False),
        ("http://a.example", "http://a.example.evil", False),
        ("http://a.example/", "http://a.example@evil.example/", False),
        ("http://u:p@a.example/", "http://a.example/", True),
        ("http://a.example:8080/", "http://a.example/", False),
    ],
)
def test_the_receiver_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (receiver_of(one) == receiver_of(other)) is same


def test_a_secret_text_prints_as_its_mask_and_goes_out_as_it_is() -> None:
    secret = SecretText(TOKEN)
    assert TOKEN not in repr({"headers": [secret]})
    assert f"X: {secret}" == f"X: {TOKEN}"


def test_an_answer_that_echoes_a_secret_is_scrubbed_however_it_writes_it() -> None:
    scrub = scrubber(['Bearer a/b"c&d-0123']).scrub
    for echo in (
        'Bearer a/b"c&d-0123',
        'a/b"c&d-0123',
        'a\\/b\\"c&d-0123',
        "a/b&quot;c&amp;d-0123",
        "a%2Fb%22c%26d-0123",
    ):
        assert scrub(f"got {echo}!") == f"got {MASK}!"
    assert scrub("Bearer of bad news") == "Bearer of bad news"


def test_a_token_is_read_with_any_key_and_written_with_the_newest(settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.POSTBACKS_ENCRYPTION_KEYS = [old]
    token = encrypt(TOKEN)
    settings.POSTBACKS_ENCRYPTION_KEYS = [new, old]
    assert decrypt(token) == TOKEN
    settings.POSTBACKS_ENCRYPTION_KEYS = [new]
    with pytest.raises(SecretUnreadableError, match="a key that is not in POSTBACKS_ENCRYPTION_KEYS"):
        decrypt(token)


def test_keys_are_rotated_and_what_cannot_be_read_is_named_and_left(
    owner: tuple[ActionTracker, Partner], settings: Settings
) -> None:
    lost, old, new = (Fernet.generate_key().decode() for _ in range(3))
    settings.POSTBACKS_ENCRYPTION_KEYS = [lost]
    unreadable = make_postback(*owner, secret_headers=[["X-Key", encrypt("lost")]])
    settings.POSTBACKS_ENCRYPTION_KEYS = [old]
    readable = make_postback(
        *owner,
        secret_headers=[["X-Key", encrypt(TOKEN)]],
        signing_key=encrypt("now"),
        previous_signing_key=encrypt("was"),
    )
    make_postback(*owner)
    settings.POSTBACKS_ENCRYPTION_KEYS = [new, old]
    out = StringIO()
    with pytest.raises(CommandError, match=rf"Keep the older keys.*\nPostback {unreadable.pk} \("):
        call_command("rotate_secrets", stdout=out)
    assert out.getvalue() == "The secrets of 1 postback are encrypted with the newest key.\n"
    settings.POSTBACKS_ENCRYPTION_KEYS = [new]
    before = readable.updated_at
    readable.refresh_from_db()
    tokens = [readable.secret_headers[0][1], readable.signing_key, readable.previous_signing_key]
    assert [decrypt(token) for token in tokens] == [TOKEN, "now", "was"]
    assert readable.updated_at == before
    unreadable_before = unreadable.secret_headers
    unreadable.refresh_from_db()
    assert unreadable.secret_headers == unreadable_before


def test_a_secret_header_goes_out_as_typed_and_names_are_checked(owner: tuple[ActionTracker, Partner]) -> None:
    postback = make_postback(*owner, headers="X-Plain: {ActionId}", secret_headers=[["X-Token", encrypt(TOKEN)]])
    request = compile_request(request_template(postback)).build({"ActionId": "1.2.3"})
    assert request.headers["X-Plain"] == "1.2.3"
    assert request.headers["X-Token"] == TOKEN
    assert TOKEN not in repr(request)
    tokens = {name: [[name, encrypt(TOKEN)]] for name in ("x-plain", "Host", "Bad Name", "User-Agent")}
    errors = {}
    for name, stored in tokens.items():
        postback.secret_headers = stored
        errors[name] = postback_errors(postback).get("secret_headers")
    assert errors == {
        "x-plain": ["x-plain is given twice."],
        "Host": ["Host follows from the URL and cannot be set."],
        "Bad Name": [
            "“Bad Name” is not a header name: letters, digits and hyphens; placeholders belong into the value."
        ],
        "User-Agent": None,
    }
    postback.secret_headers = tokens["User-Agent"]
    headers = compile_request(request_template(postback)).build({}).headers
    assert [name for name in headers if name.lower() == "user-agent"] == ["User-Agent"]
    assert headers["User-Agent"] == TOKEN


def test_a_postback_whose_secrets_cannot_be_read_waits_and_says_so(
    owner: tuple[ActionTracker, Partner], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    postback = make_postback(*owner, secret_headers=[["X-Token", encrypt(TOKEN)]])
    healthy = make_postback(*owner)
    settings.POSTBACKS_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with connection.cursor() as cursor:
        setups = Setups().read(cursor.cursor, [postback.pk, healthy.pk])
    assert (setups[postback.pk].stopped, setups[healthy.pk].stopped) == (True, False)
    assert f"Postback {postback.pk} waits: The value of the secret header X-Token cannot be read." in caplog.text
    assert postback_errors(postback)["secret_headers"][0].startswith("The value of the secret header X-Token cannot be")


CONFIG = """
programs:
  - {{id: 7101, name: Shop, currency: USD, action_trackers: [{{id: 7102, name: Sale}}]}}
media_sources:
  - id: 7103
    name: Net
    postbacks:
      - name: Told
        action_tracker: 7102
        url: {url}
        secret_headers:
          Authorization: {value}
"""


@pytest.mark.django_db
def test_a_configuration_file_gives_secrets_and_gets_masks_back() -> None:
    text = CONFIG.format(url="https://a.example/in", value="Bearer s3cret-token")
    load_config(text)
    postback = Postback.objects.get(name="Told")
    assert decrypt(postback.secret_headers[0][1]) == "Bearer s3cret-token"
    assert load_config(text).changes == [], "the same value is no change"
    dumped = dump_config()
    assert "s3cret" not in dumped
    assert f"Authorization: {MASK}" in dumped
    assert postback.secret_headers[0][1] not in dumped
    assert load_config(dumped).changes == [], "masks keep what is stored"
    changes = load_config(CONFIG.format(url="https://a.example/in", value="Bearer other-token")).changes
    assert [change.sign for change in changes] == ["~"]
    assert "token" not in str(changes[0])
    postback.refresh_from_db()
    assert decrypt(postback.secret_headers[0][1]) == "Bearer other-token"
    with pytest.raises(ConfigError, match="The URL names another receiver"):
        load_config(CONFIG.format(url="https://b.example/in", value=MASK))
    Postback.objects.all().delete()
    with pytest.raises(ConfigError, match=r"No value of Authorization is kept\. Type it\."):
        load_config(dumped)
