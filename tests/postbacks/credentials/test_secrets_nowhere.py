"""Every kind of secret is put to use, and then looked for: in the database, the logs, the history, on pages and in what
commands print. The only places for it are the receiver, and the one page that shows it when it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from psycopg2 import sql
from pytest_django import Settings

from accounts.roles.table import Role
from actions.api.tokens import create_token
from postbacks.config_file.dump import dump_config
from postbacks.credentials.secrets.cipher import encrypt
from postbacks.database import raw_cursor
from postbacks.models import Attempt, Delivery, Postback
from tests.browser.actors import make_user
from tests.support.factories import make_media_source, make_postback, make_tracker, record_action
from tests.support.patience import wait_until
from tests.support.receiver import Arrival, Response, ScriptedReceiver
from tests.support.workers import CeleryProcess, running_workers
from value_types.networks import parse_networks

pytestmark = pytest.mark.django_db(transaction=True)

HEADER, SECOND = "hdr-7Qm9xLc2Vt", "bearer-Zk41yRw8"
METRICS_TOKEN = "metrics-token-of-the-test-5n"
PROXY_PASSWORD = "proxy-pass-3Bd7"
PASSWORD = "plank-otter-9-violet"
ENVIRONMENT = {"LOG_LEVEL": "DEBUG", "LOG_ATTEMPTS": "all", "METRICS_TOKEN": METRICS_TOKEN}


@pytest.fixture(scope="module")
def telling_worker(django_db_setup: None) -> Iterator[CeleryProcess]:
    with running_workers(variables=ENVIRONMENT) as worker:
        yield worker


def database_dump() -> str:
    """Every row of every table, as PostgreSQL writes it into a dump."""
    out = StringIO()
    with raw_cursor() as cursor:
        for table in connection.introspection.table_names():
            # A table in partitions is not copied by its name.
            cursor.copy_expert(sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.Identifier(table)), out)
    return out.getvalue()


def fields(postback: Postback) -> dict[str, Any]:
    return {
        "action_tracker": postback.action_tracker_id,
        "event_trigger": "always",
        "scope": "all",
        "url": postback.url,
        "method": "GET",
        "name": postback.name,
        "secret_headers": f"X-Access: {HEADER}\nAuthorization: Bearer {SECOND}",
        "test_send_postback": postback.pk,
        "media_source": postback.media_source_id,
    }


def pages(postback: Postback) -> list[str]:
    delivery, row = Delivery.objects.get(), "admin:postbacks_postback_%s"
    return [
        *(reverse(row % name, args=(postback.pk,)) for name in ("change", "history", "signing")),
        reverse("admin:postbacks_postback_changelist"),
        reverse("admin:postbacks_delivery_change", args=(delivery.pk,)),
        reverse("admin:auditlog_logentry_changelist"),
        reverse("admin:actions_apitoken_changelist"),
        reverse("admin:optimize_sources_mediasource_event_notifications", args=(postback.media_source_id,)),
        f"{reverse('admin:postbacks_postback_add')}?media_source={postback.media_source_id}&like={postback.pk}",
        "/nothing-here/",
    ]


def error_pages(
    client: Client, path: str, form: dict[str, Any], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What is shown when a form with secrets meets a bug: to users, and to a developer."""

    def broken(*_: object, **__: object) -> str:
        key = encrypt(HEADER)
        raise RuntimeError(f"a bug near {len(key)}")

    monkeypatch.setattr("postbacks.admin.form.form.to_store", broken)
    settings.POSTBACKS_EGRESS_PROXY = f"http://u:{PROXY_PASSWORD}@proxy.example:3128"
    found = {}
    for debug in (False, True):
        settings.DEBUG = debug
        answer = client.post(path, form)
        assert answer.status_code == 500
        found[f"the error page, DEBUG={debug}"] = answer.content.decode()
        assert ("a bug near" in answer.content.decode()) is debug
    settings.DEBUG = False
    return found


def signed_in_administrator() -> Client:
    client = Client(raise_request_exception=False)
    administrator = make_user(Role.ADMINISTRATOR)
    administrator.set_password(PASSWORD)
    administrator.save()
    client.force_login(administrator)
    return client


def made_keys(client: Client, postback: Postback) -> tuple[str, str]:
    """The signing key, and the one before, from the page that shows each when it is made."""
    page = reverse("admin:postbacks_postback_signing", args=(postback.pk,))
    answers = [client.post(page, {"renew": "1"}).content.decode() for _ in range(2)]
    (before,), (now,) = (re.findall(r"whsec_([\w+/=]+)", answer) for answer in answers)
    return now, before


def refused_login(client: Client) -> tuple[str, str]:
    """The text of a token, and what the API answers to who puts it in the wrong place."""
    token, text = create_token("Shop")
    basic = {"Authorization": f"Basic {text}"}
    return text, client.post(f"/Advertisers/{token.account_sid}/Conversions", {}, headers=basic).content.decode()


def what_commands_print(postback: Postback) -> str:
    printed = StringIO()
    call_command("preview_postback", postback=postback.pk, stdout=printed, stderr=printed)
    call_command("postback_status", stdout=printed)
    call_command("rotate_secrets", stdout=printed)
    return printed.getvalue()


def where_it_could_be(client: Client, postback: Postback, worker: CeleryProcess) -> dict[str, str]:
    """All that is stored, logged, shown and printed, by its place."""
    found = {"the database": database_dump(), "the worker's log": worker.log.read_text()}
    assert postback.url in found["the database"], "it is a dump"
    found["metrics"] = client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).content.decode()
    assert "postbacks_attempts" in found["metrics"]
    for path in pages(postback):
        found[path] = client.get(path).content.decode()
        assert len(found[path]) > 500, path
    return {**found, "dump_config": dump_config(), "commands": what_commands_print(postback)}


def test_no_secret_is_found_anywhere(
    telling_worker: CeleryProcess, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("DEBUG")
    settings.METRICS_TOKEN = METRICS_TOKEN
    settings.POSTBACKS_ALLOWED_NETWORKS = parse_networks(["127.0.0.0/8"])
    client = signed_in_administrator()

    def echo(arrival: Arrival) -> Response:
        """The first answer fails and repeats what it was sent, in the header and in the body."""
        said = f"{arrival.headers['X-Access']} {arrival.headers['Authorization']}"
        return Response(503 if len(receiver.arrivals) == 1 else 200, said, {"X-Echo": said})

    with ScriptedReceiver(echo) as receiver:
        postback = make_postback(make_tracker(), make_media_source(), url=receiver.url + "/in")
        change = reverse("admin:postbacks_postback_change", args=(postback.pk,))
        assert client.post(change, fields(postback)).status_code == 302
        key, key_before = made_keys(client, postback)
        token, refused = refused_login(client)
        record_action(postback.action_tracker)
        receiver.wait_for(2, timeout=20)
        wait_until(lambda: Attempt.objects.count() == 2, 10, "both attempts are recorded")
    assert receiver.arrivals[0].headers["X-Access"] == HEADER, "it went where it belongs"

    found = {"a refused login of the API": refused, **where_it_could_be(client, postback, telling_worker)}
    found |= error_pages(client, change, fields(postback), settings, monkeypatch)
    found["the web's log"] = caplog.text
    secrets = {
        "header": HEADER,
        "authorization": SECOND,
        "signing key": key,
        "signing key before": key_before,
        "API token": token,
        "metrics token": METRICS_TOKEN,
        "proxy password": PROXY_PASSWORD,
        "password": PASSWORD,
        "session": client.cookies[django_settings.SESSION_COOKIE_NAME].value,
        "SECRET_KEY": django_settings.SECRET_KEY,
        "encryption key": django_settings.POSTBACKS_ENCRYPTION_KEYS[0],
    }
    assert min(map(len, secrets.values())) >= 12
    # Django's sessions are rows by their key.
    leaks = [
        f"{name} in {place}"
        for place, content in found.items()
        for name, secret in secrets.items()
        if secret in content and (name, place) != ("session", "the database")
    ]
    assert leaks == []
