"""What each kind of channel is sent: every event, several at once, names that try to be more than names."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import smtplib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from django.core import mail
from pytest_django import Settings
from standardwebhooks import Webhook

from notices.events import Event
from notices.models import Channel
from notices.saying.content import Content, of_notices, of_test
from notices.saying.mail import PRINTED
from notices.saying.post import Letter, Outcome, post
from notices.saying.slack import to_slack
from notices.saying.teams import to_teams
from notices.telling import Told, tidy
from postbacks.credentials.secrets.cipher import encrypt
from postbacks.credentials.signing.signer import new_key
from tests.support.channels import SLACK_URL

AT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
HOSTILE = "<!channel> & <https://evil.example|Click> @channel *bold* [link](https://evil.example) _x_ `code` #general"
WEBHOOK_URL = "https://ops.example/hook/s3cr3t-t0ken-0f-ops"


def told(title: str = "Held: Compass: Sales", text: str = "Its deliveries wait.", path: str = "/admin/a/7/") -> Told:
    return {"title": title, "text": text, "path": path, "postback": 7, "program": 1000}


def channel(kind: Channel.Kind, address: str = SLACK_URL, **fields: Any) -> Channel:
    return Channel(name="Operators", kind=kind, address=encrypt(address), **fields)


def sent(given: Channel, content: Content) -> Outcome:
    return post(given, Letter(content, "3d1c5e4e-7a6f-4b1f-9b57-0f0a3f7f5f11", AT, datetime.now(UTC)))


def sent_body() -> bytes:
    """Of the first request."""
    body = responses.calls[0].request.body
    assert isinstance(body, bytes)
    return body


def texts(value: Any) -> Iterable[str]:
    """Every text in a body, wherever it stands."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


@responses.activate
@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("kind", Channel.Kind)
def test_each_kind_of_channel_is_told_of_each_event(settings: Settings, kind: Channel.Kind, event: Event) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    responses.post(SLACK_URL, status=202, body="ok")
    address = "ops@shop.example, night@shop.example" if kind == Channel.Kind.EMAIL else SLACK_URL
    outcome = sent(channel(kind, address), of_notices([(event, AT, told(title="Something: Compass: Sales"))]))
    assert outcome.told, outcome.said
    if kind == Channel.Kind.EMAIL:
        (letter,) = mail.outbox
        assert (letter.subject, letter.to) == ("Something: Compass: Sales", ["ops@shop.example", "night@shop.example"])
        body = letter.body
    else:
        body = "\n".join(texts(json.loads(sent_body())))
        assert "Something: Compass: Sales" in body
    assert "Its deliveries wait." in body
    assert "https://postbacks.example/admin/a/7/" in body


def test_in_slack_a_name_is_neither_mention_nor_link_nor_markdown() -> None:
    body = to_slack(of_notices([(Event.HELD, AT, told(HOSTILE, HOSTILE)), (Event.FAILING, AT, told(HOSTILE))]))
    markdown = [each["text"] for block in body["blocks"] for each in block.get("elements", [])]
    assert set(markdown) == {
        "<https://postbacks.example/admin/a/7/|Open>",
        "<https://postbacks.example/admin/|Open>",
    }
    assert all(block["text"]["type"] == "plain_text" for block in body["blocks"] if "text" in block)
    assert (body["mrkdwn"], body["link_names"]) == (False, False)
    for each in texts({**body, "blocks": [block for block in body["blocks"] if "text" in block]}):
        assert not {"<", ">"} & set(each)
        assert "@channel" not in each
        assert "#general" not in each
    assert any("&lt;!\u2060channel&gt;" in each or "&lt;!channel&gt; &amp;" in each for each in texts(body))


def test_in_slack_nothing_is_longer_than_it_may_be_and_no_escape_is_cut_in_two() -> None:
    body = to_slack(of_notices([(Event.HELD, AT, told("&" * 500, "&" * 5_000))] * 12))
    lengths = [len(block["text"]["text"]) for block in body["blocks"] if "text" in block]
    assert max(lengths) <= 3_000
    title = body["blocks"][0]["text"]["text"]
    assert len(to_slack(of_notices([(Event.HELD, AT, told("&" * 500))]))["blocks"][0]["text"]["text"]) <= 150
    assert len(title) <= 150
    assert len(body["blocks"]) <= 50
    for block in body["blocks"]:
        if "text" in block:
            assert set(block["text"]["text"].replace("&amp;", "")) <= set(block["text"]["text"]) - {"&"}


def test_in_teams_everything_is_a_run_of_text_which_knows_no_markdown() -> None:
    body = to_teams(of_notices([(Event.HELD, AT, told(HOSTILE, HOSTILE)), (Event.PAUSED, AT, told(HOSTILE))]))
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card = attachment["content"]
    assert card["type"] == "AdaptiveCard"
    kinds = {element["type"] for element in card["body"]}
    assert kinds == {"RichTextBlock", "ActionSet"}
    assert "entities" not in card["msteams"], "only these make a mention of an <at>"
    urls = {action["url"] for element in card["body"] for action in element.get("actions", [])}
    assert urls == {"https://postbacks.example/admin/a/7/"}
    assert any(HOSTILE in each for each in texts(card)), "as it is"


@responses.activate
def test_a_webhook_is_signed_as_postbacks_are() -> None:
    key = new_key()
    responses.post(WEBHOOK_URL, status=204)
    content = of_notices([(Event.HELD, AT, told(HOSTILE))])
    given = channel(Channel.Kind.WEBHOOK, WEBHOOK_URL, signing_key=encrypt(key))
    assert sent(given, content) == Outcome(True, "Answered 204, without a text.")
    assert sent(given, content).told
    first, second = (call.request for call in responses.calls)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    body = Webhook(str(key)).verify(sent_body(), dict(first.headers))
    assert body == json.loads(sent_body())
    signed = f"{first.headers['webhook-id']}.{first.headers['webhook-timestamp']}.".encode() + sent_body()
    mac = hmac.new(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert first.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert body["type"] == "postbacks.notices"
    assert body["data"]["counts"] == {"held": 1}
    assert body["data"]["notices"] == [
        {
            "event": "held",
            "at": AT.isoformat(),
            "title": HOSTILE,
            "text": "Its deliveries wait.",
            "postback": 7,
            "program": 1000,
            "url": "https://postbacks.example/admin/a/7/",
        }
    ]


def test_a_storm_is_one_message() -> None:
    held: list[tuple[str, datetime, Told]] = [(Event.HELD, AT, told(f"Held: number {n}")) for n in range(480)]
    content = of_notices([*held, *((Event.RELEASED, AT, told()) for _ in range(20))])
    assert content["title"] == "500 notices: Held 480, Released 20"
    assert content["lines"] == ["The first 10 of them, and 490 more on the screens."]
    assert len(content["items"]) == 10
    assert len(json.dumps(to_teams(content))) < 28_000, "the most that Teams takes"


def test_without_an_address_of_the_pages_there_is_no_link(settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    content = of_notices([(Event.HELD, AT, told()), (Event.HELD, AT, told())])
    for body in (to_slack(content), to_teams(content)):
        assert "/admin/" not in json.dumps(body)


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, "no_service", "Answered 404: no_service"),
        (500, "", "Answered 500, without a text."),
        (302, "", "Answered 302: redirects are not followed. Write the address that it leads to."),
        (403, f"bad: {SLACK_URL}", "Answered 403: bad: ••••••••"),
        (400, "token s3cr3t-t0ken-0f-slack is no token", "Answered 400: token •••••••• is no token"),
        (400, "a\x00b\n\u202ec" + "x" * 500, "Answered 400: a b c" + "x" * 195),
    ],
)
def test_what_the_other_side_answers_is_told_without_the_secret(status: int, body: str, said: str) -> None:
    responses.post(SLACK_URL, status=status, body=body, headers={"Location": "https://127.0.0.1/"})
    assert sent(channel(Channel.Kind.SLACK), of_test("Operators")) == Outcome(False, said)
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(("given", "wait"), [("120", 120.0), ("999999", 3600.0), ("soon", 0.0), ("", 0.0)])
def test_the_other_side_may_ask_for_time(given: str, wait: float) -> None:
    responses.post(SLACK_URL, status=429, body="slow", headers={"Retry-After": given} if given else {})
    assert sent(channel(Channel.Kind.SLACK), of_test("Operators")).wait == wait


def test_a_private_address_is_not_called() -> None:
    outcome = sent(channel(Channel.Kind.TEAMS, "http://10.0.0.7/hook"), of_test("Operators"))
    assert not outcome.told
    assert outcome.said.startswith("10.0.0.7 is a private address")


def test_mail_that_is_refused_or_printed_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    given = channel(Channel.Kind.EMAIL, "ops@shop.example")
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert sent(given, of_test("Operators")) == Outcome(True, PRINTED)

    def refuse(*_: object, **__: object) -> None:
        raise smtplib.SMTPRecipientsRefused({"ops@shop.example": (550, b"unknown")})

    monkeypatch.setattr("django.core.mail.message.EmailMessage.send", refuse)
    outcome = sent(given, of_test("Operators"))
    assert not outcome.told
    assert outcome.said.startswith("The mail server could not be used: SMTPRecipientsRefused: ")
    assert "ops@shop.example" not in outcome.said


def test_a_name_keeps_to_its_line() -> None:
    assert tidy("Held:\r\nBcc: all@shop.example\t\x00 \u202eolleh") == "Held: Bcc: all@shop.example olleh"
    assert tidy("שלום عالم") == "שלום عالم"
    assert len(tidy("x" * 10_000)) == 500
