"""What was sent, as text and as a command that sends it again: run in a shell, and asked by each role."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from django.test import Client

from postbacks.delivery_log.curl import as_curl
from postbacks.models import Delivery, Postback
from tests.postbacks.admin.deliveries.test_resend_cancel import LOG, sign_in
from tests.support.log_rows import make_attempt, make_finished, quiet_event
from tests.support.receiver import ScriptedReceiver
from value_types.secret_text import MASK

_NOTE = 'it\'s "so"; $HOME'
_SHELLS = ("sh", "bash")
BODIES = {
    "quotes": """it's "quoted" `whoami` $HOME !1 \\n \\""",
    "lines": "\nfirst\n\nlast\n",
    "at": "@/etc/passwd",
    "percent": "100%d %s",
    "controls": "\t\x01\x1b[31m\r\n'\\x41\\",
    "turned-around": "a\u202eb\ufeff",
    "other-scripts": "Zoë 東京 🙂",
    "binary": "\ufffd\ufffdPNG\r\n\x1a\n",
    "empty": "",
}


def run(command: str, shell: str, **secrets: str) -> None:
    subprocess.run([shell, "-c", command], check=True, capture_output=True, env={"PATH": "/usr/bin:/bin", **secrets})


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_command_sends_what_was_sent(body: str) -> None:
    with ScriptedReceiver() as receiver:
        url = f"{receiver.url}/a/../in?x=[1]&y={{a,b}}&z=%27&w=it's"
        headers = f"Content-Type: text/x\nContent-Length: 1\nX-Empty:\nX-Note: {_NOTE}\nAuthorization: {MASK}"
        for shell in _SHELLS:
            run(as_curl("POST", url, headers, body), shell, SECRET_AUTHORIZATION="Bearer s'3")
        requests = receiver.wait_for(len(_SHELLS))
    for request in requests:
        assert (request.method, request.raw_body) == ("POST", body.encode())
        assert "/a/../in?x=[1]&y={a,b}&z=%27" in request.url
        sent = {name.lower(): value for name, value in request.headers.items()}
        assert (sent["content-type"], sent["x-note"], sent["x-empty"]) == ("text/x", _NOTE, "")
        assert sent["authorization"] == "Bearer s'3"
        assert not {"accept", "user-agent"} & sent.keys(), "nothing is added"


def test_secrets_are_variables_that_a_comment_names() -> None:
    command = as_curl("GET", "https://a.example/", f"X-Api-Key: {MASK}\nAccept: */*", "")
    assert command == (
        "# Set SECRET_X_API_KEY first: the value is secret and not shown.\n"
        "curl --include --compressed --globoff --path-as-is \\\n"
        "  --url 'https://a.example/' \\\n"
        "  --header 'X-Api-Key: '\"$SECRET_X_API_KEY\" \\\n"
        "  --header 'Accept: */*' \\\n"
        "  --header 'User-Agent:'\n"
    )
    assert MASK not in command


def test_bytes_that_were_not_recorded_are_mentioned() -> None:
    assert as_curl("POST", "https://a.example/", "A: b", "\ufffd").startswith("# \ufffd may stand for bytes")


@pytest.fixture
def sent(postback: Postback) -> Delivery:
    delivery = make_finished(postback, "failed", quiet_event(postback, CustomerCity="Lund"))
    make_attempt(delivery, 1, method="POST", request_body="<script>1</script>", response_body="\r\nno\x01")
    make_attempt(delivery, 2, method="POST", request_body="b")
    return delivery


def part(client: Client, delivery: Delivery, query: str) -> Any:
    return client.get(f"{LOG}{delivery.pk}/raw/?{query}")


@pytest.mark.django_db
def test_the_parts_are_exact_and_plain(client: Client, sent: Delivery) -> None:
    sign_in(client, "view_delivery", "view_personal_data")
    answer = part(client, sent, "attempt=1&part=request-body")
    assert answer.content == b"<script>1</script>"
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("text/plain; charset=utf-8", "nosniff")
    assert part(client, sent, "attempt=1&part=response-body").content == b"\r\nno\x01"
    assert part(client, sent, "").content.endswith(b"\n\nb"), "the latest request"
    assert part(client, sent, "part=curl").content.startswith(b"# Set SECRET_AUTHORIZATION first")
    assert part(client, sent, "part=else").status_code == 400
    assert part(client, sent, "attempt=9").content == b"This attempt has not been made.\n"
    sent.attempts.update(request_headers="", request_body="")
    assert part(client, sent, "part=curl").content == b"The headers and bodies of this attempt are no longer kept.\n"


@pytest.mark.django_db
def test_who_may_not_see_personal_data_gets_no_text(client: Client, sent: Delivery, postback: Postback) -> None:
    sign_in(client, "view_delivery")
    page = client.get(f"{LOG}{sent.pk}/change/").content.decode()
    assert "part=curl" not in page
    for query in ("part=curl", "part=request", "part=response-body", ""):
        answer = part(client, sent, query)
        assert answer.status_code == 403
        assert b"script" not in answer.content
    plain = make_finished(postback)
    make_attempt(plain)
    assert part(client, plain, "part=url").content.startswith(b"https://receiver.example/in")
