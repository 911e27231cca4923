"""Client certificates and authorities of a postback's own, against real TLS servers: each request has its own, and
neither a handle, nor a kept connection, nor a session of TLS carries one to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle, islice

import pytest

from postbacks.credentials.asking.certificates import Tls
from postbacks.credentials.asking.stored import Asking
from postbacks.delivery.sender import Sender
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from postbacks.egress.transport import send
from postbacks.request.building import Request, RequestTemplate, compile_request
from tests.support.authorities import Authority, authority
from tests.support.delivery_rows import claimed, prepared
from tests.support.mutual_tls import MutualTls, mutual_tls
from tests.support.sending import Outcomes
from value_types.secret_text import SecretText

pytestmark = pytest.mark.usefixtures("loopback_is_allowed")

# The server hangs up with an alert, which is read if it comes before the connection breaks.
_SHUT_OUT = (Code.TLS, Code.BROKEN)
OURS, THEIRS, CLIENTS = "authority", "another authority", "authority of clients"


@pytest.fixture
def serve() -> Iterator[Callable[..., MutualTls]]:
    with ExitStack() as servers:
        yield lambda of=OURS, **more: servers.enter_context(mutual_tls(authority(of), authority(CLIENTS), **more))


def tls_of(name: str = "", trusts: str = OURS) -> Tls:
    if not name:
        return Tls(authorities=authority(trusts).pem)
    certificate, key = authority(CLIENTS).sign(name)
    return Tls(certificate, SecretText(key), authority(trusts).pem)


def request(url: str, tls: Tls | None, **asking: object) -> Request:
    return compile_request(RequestTemplate("GET", url, asking=Asking(tls=tls, **asking))).build({})  # type: ignore[arg-type]


def test_an_authority_may_be_an_intermediate() -> None:
    own = Authority("intermediate", above=authority(OURS))
    with mutual_tls(own, authority(CLIENTS)) as server:
        answer = send(request(server.url, Tls(authorities=own.pem)))
    assert isinstance(answer, Answer)


def test_a_server_that_demands_a_certificate_gets_it(serve: Callable[..., MutualTls]) -> None:
    server = serve(demands=True)
    assert isinstance(send(request(server.url, tls_of("shop"))), Answer)
    assert [came.who for came in server.came] == ["shop"]
    refused = send(request(server.url, tls_of()))
    assert isinstance(refused, Failure)
    assert refused.code in _SHUT_OUT, refused
    foreign, key = authority(THEIRS).sign("stranger")
    shown = send(request(server.url, Tls(foreign, SecretText(key), authority(OURS).pem)))
    assert isinstance(shown, Failure)
    assert shown.code in _SHUT_OUT, shown
    assert len(server.came) == 1


def test_only_the_authorities_of_the_postback_are_trusted(serve: Callable[..., MutualTls]) -> None:
    server = serve()
    assert isinstance(send(request(server.url, tls_of(trusts=OURS))), Answer)
    for tls in (None, tls_of(trusts=THEIRS)):
        refused = send(request(server.url, tls))
        assert isinstance(refused, Failure)
        assert refused.code is Code.TLS
    assert len(server.came) == 1


@pytest.fixture
def sender() -> Iterator[Sender]:
    outcomes = Outcomes()
    sender = Sender(outcomes.on_sent, outcomes.on_unsent)
    sender.outcomes = outcomes  # type: ignore[attr-defined]
    sender.start()
    yield sender
    sender.stop(5)


def sent_through(sender: Sender, *requests: Request) -> None:
    """One after the other, so that each could use the handle and the connection of the one before."""
    outcomes: Outcomes = sender.outcomes  # type: ignore[attr-defined]
    for number, each in enumerate(requests, 1):
        sender.put([prepared(claimed(), each.url)._replace(request=each)])
        assert isinstance(outcomes.wait_for(number)[-1].answer, Answer | Failure)


def test_postbacks_of_one_host_share_neither_connection_nor_session(
    serve: Callable[..., MutualTls], sender: Sender
) -> None:
    server = serve()
    kinds = {name: tls_of(name) for name in ("shop", "outlet")} | {"": tls_of()}
    rounds = 4
    ones = islice(cycle(kinds.items()), rounds * len(kinds))
    sent_through(sender, *(request(f"{server.url}/{name}", tls) for name, tls in ones))

    assert [came.who for came in server.came] == [came.path.removeprefix("/") for came in server.came]
    assert len(server.came) == rounds * len(kinds)
    of = {came.who: came.connection for came in server.came}
    assert len(set(of.values())) == len(kinds), "a connection was shared"
    assert [of[came.who] for came in server.came] == [came.connection for came in server.came], "connections are kept"
    assert not any(came.resumed for came in server.came)


def test_a_new_connection_resumes_the_session_of_nobody_else(serve: Callable[..., MutualTls], sender: Sender) -> None:
    server = serve()
    outcomes: Outcomes = sender.outcomes  # type: ignore[attr-defined]
    for number, name in enumerate(("shop", "outlet", "", "shop"), 1):
        one = prepared(claimed(attempt=15), server.url)  # The last attempt gets a connection for itself.
        sender.put([one._replace(request=request(f"{server.url}/{name}", tls_of(name)))])
        outcomes.wait_for(number)
    assert [(came.who, came.resumed) for came in server.came] == [
        *(("shop", False), ("outlet", False), ("", False), ("shop", False))
    ]


def test_who_trusts_others_does_not_get_the_connection_of_who_trusts_the_server(
    serve: Callable[..., MutualTls], sender: Sender
) -> None:
    server = serve()
    sent_through(sender, *(request(server.url, tls) for tls in (tls_of(trusts=OURS), tls_of(trusts=THEIRS), None)))
    outcomes: Outcomes = sender.outcomes  # type: ignore[attr-defined]
    answers = [sent.answer for sent in outcomes.sent]
    assert isinstance(answers[0], Answer)
    assert [each.code for each in answers[1:] if isinstance(each, Failure)] == [Code.TLS, Code.TLS]
    assert len(server.came) == 1


def test_basic_and_tokens_stay_with_their_postbacks_on_a_shared_connection(
    serve: Callable[..., MutualTls], sender: Sender
) -> None:
    server = serve()
    tls = tls_of()
    plain = RequestTemplate("GET", server.url, asking=Asking(tls=tls))
    basic = RequestTemplate("GET", server.url, asking=Asking(("shop", SecretText("pässword")), None, tls))
    bearer = compile_request(plain).authorized(SecretText("t0ken-of-the-other"))
    ones = [compile_request(basic).build({}), compile_request(plain).build({}), bearer.build({})]
    sent_through(sender, *ones, *ones)
    basic_value = "Basic c2hvcDpww6Rzc3dvcmQ="  # UTF-8, as RFC 7617 wants it.
    assert [came.authorization for came in server.came] == [basic_value, "", "Bearer t0ken-of-the-other"] * 2
    assert len({came.connection for came in server.came}) == 1
