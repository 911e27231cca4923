"""What token servers answer, on real sockets: a token that can be used, or one sentence that says why not."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from urllib.parse import unquote_plus

import pytest
from pytest_django import Settings

from postbacks.credentials.asking.oauth import OAuthClient
from postbacks.egress.client import MOST_BYTES
from postbacks.egress.failures import Code, Failure
from postbacks.egress.token_server import LONGEST_LIFE, UNKNOWN_LIFE, Token, fetch
from tests.support.authorities import Authority, authority
from tests.support.mutual_tls import mutual_tls
from tests.support.receiver import Hang, Response
from tests.support.token_server import TokenServer, token, token_server
from value_types.secret_text import MASK, SecretText

SECRET = SecretText("s3cret+of/the client")


@pytest.fixture
def server(loopback_is_allowed: None) -> Iterator[TokenServer]:
    with token_server() as server:
        yield server


def client(server: TokenServer, **more: object) -> OAuthClient:
    return OAuthClient(server.url, "shop:1", SECRET, **more)  # type: ignore[arg-type]


def refused(server: TokenServer) -> str:
    failure = fetch(client(server))
    assert isinstance(failure, Failure)
    assert failure.code is Code.OAUTH_TOKEN
    assert failure.text.startswith("No access token: the token server")
    assert SECRET not in failure.text
    return failure.text


def test_the_client_is_named_in_the_header_encoded_as_in_a_form(server: TokenServer) -> None:
    got = fetch(client(server, scope="a b", audience="https://receiver.example/", parameters=(("resource", "x&y"),)))
    assert got == Token(SecretText("t0ken-number-1"), 3600.0)
    [arrival] = server.receiver.arrivals
    kind, value = arrival.headers["Authorization"].split()
    assert kind == "Basic"
    assert [unquote_plus(part) for part in b64decode(value).decode().split(":")] == ["shop:1", SECRET]
    assert server.asked == [
        {
            "grant_type": "client_credentials",
            "scope": "a b",
            "audience": "https://receiver.example/",
            "resource": "x&y",
        }
    ]


def test_or_in_the_body(server: TokenServer) -> None:
    assert isinstance(fetch(client(server, in_body=True)), Token)
    assert server.asked == [{"grant_type": "client_credentials", "client_id": "shop:1", "client_secret": SECRET}]
    assert "Authorization" not in server.receiver.arrivals[0].headers


@pytest.mark.parametrize(
    ("seconds", "life"),
    [(None, UNKNOWN_LIFE), ("1800", 1800.0), (1800.5, 1800.5), (1, 1.0), (31_536_000, LONGEST_LIFE)],
)
def test_how_long_a_token_is_good(server: TokenServer, seconds: object, life: float) -> None:
    server.seconds = seconds
    got = fetch(client(server))
    assert isinstance(got, Token)
    assert got.seconds == life


@pytest.mark.parametrize("seconds", [0, -1, 10**30, "soon", "", True, [3600], float("inf"), "\uff19"])
def test_an_odd_life_is_refused(server: TokenServer, seconds: object) -> None:
    server.seconds = seconds
    assert "says expires_in" in refused(server)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(401, '{"error":"invalid_client"}'), "answered with status 401: invalid_client."),
        (Response(400, '{"error":"invalid_scope","error_description":"No.\\n"}'), "400: invalid_scope (No)."),
        (Response(200, '{"error":"temporarily"}'), "status 200: temporarily."),
        (Response(503, "<h1>Down</h1>"), "answered with status 503."),
        (Response(200, "<h1>Sign in</h1>", {"Content-Type": "text/html"}), "other than a JSON object (text/html)."),
        (Response(200, "[1]"), "other than a JSON object"),
        (Response(200, "[" * 100_000), "other than a JSON object"),
        (Response(200, "{}"), "holds no access_token."),
        (Response(200, '{"access_token":7,"token_type":"Bearer"}'), "holds no access_token."),
        (Response(200, '{"access_token":"t","token_type":"mac"}'), "of the type “mac”, and only Bearer can be sent."),
        (Response(200, '{"access_token":"t"}'), "of the type “none”"),
        (Response(200, '{"access_token":"a\\r\\nX-Evil: 1","token_type":"Bearer"}'), "that no header can carry."),
        (token("t" * 9000), "that no header can carry."),
        (
            Response(302, "", {"Location": "https://elsewhere.example/"}),
            "a redirect (status 302), which is not followed.",
        ),
        (Response(200, "x" * (MOST_BYTES + 1)), "the answer is longer than"),
        (Response(400, f'{{"error":"{SECRET}"}}'), f"status 400: {MASK}."),
    ],
)
def test_what_gives_no_token_says_why(server: TokenServer, answer: Response, said: str) -> None:
    server.answer = lambda _: answer
    assert said in refused(server)
    assert len(server.receiver.arrivals) == 1


def test_a_server_that_hangs_is_given_up_in_time(server: TokenServer, settings: Settings) -> None:
    settings.POSTBACKS_RESPONSE_TIMEOUT = settings.POSTBACKS_TOTAL_TIMEOUT = 0.3
    server.answer = lambda _: Hang()
    assert refused(server).endswith("did not answer in time.")


def test_the_guard_holds_for_token_servers(server: TokenServer, settings: Settings) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = []
    assert "is a loopback address" in refused(server)
    assert server.receiver.arrivals == []


@pytest.mark.parametrize("is_root", [True, False], ids=["root", "intermediate"])
def test_its_certificate_may_be_signed_by_an_authority_of_the_postback(
    loopback_is_allowed: None, is_root: bool
) -> None:
    own = authority() if is_root else Authority("intermediate", above=authority())
    with mutual_tls(own, authority("authority of clients")) as server:
        asked = OAuthClient(f"{server.url}/token", "shop", SECRET)
        distrusted = fetch(asked)
        assert isinstance(distrusted, Failure)
        assert "No TLS" in distrusted.text.replace("no TLS", "No TLS")
        trusted = fetch(asked._replace(authorities=own.pem))
        assert isinstance(trusted, Failure)
        # It takes no POST; some machines lose its answer, because it does not read the body.
    assert any(each in trusted.text for each in ("status 501", "connection broke")), f"it was reached: {trusted.text}"
