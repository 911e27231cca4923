"""URLs that people may type to reach what is not the public's: none connects, and each is told why."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from ipaddress import IPv4Address
from threading import Thread

import pycurl
import pytest
from pytest_django import Settings

from postbacks.delivery.sender import Sender
from postbacks.egress.answer import Answer
from postbacks.egress.failures import Code, Failure
from postbacks.egress.transport import Call, send
from postbacks.models import Postback
from postbacks.request.building import Request, RequestErrors, RequestTemplate, compile_request
from postbacks.validation import postback_errors
from tests.support.delivery_rows import claimed, prepared
from tests.support.sending import Outcomes
from value_types.networks import parse_networks
from value_types.ports import parse_ports

LOOPBACK, PRIVATE, METADATA = "is a loopback address", "is a private address", "is a cloud metadata address"
RESERVED, MULTICAST, TUNNEL = "is a reserved address", "is a multicast address", "is a 6to4 address"
NO_HOST, NO_SCHEME = "is not a host name, or host:port", "A URL begins with http:// or https://"

TARGETS = {
    "127.0.0.1": LOOPBACK,
    "127.255.0.9": LOOPBACK,
    "10.0.0.1": PRIVATE,
    "172.16.9.1": PRIVATE,
    "192.168.0.1": PRIVATE,
    "169.254.169.254": METADATA,
    "168.63.129.16": METADATA,
    "100.100.100.200": "is an address behind a carrier's NAT",
}


def spellings(address: str) -> Iterator[str]:
    """An IPv4 address in every way in which a resolver takes it, and in the shapes of IPv6 that only wrap it."""
    a, b, c, d = (int(part) for part in address.split("."))
    number = int(IPv4Address(address))
    yield from (address, f"{address}.", f"{a}.{b}.{c * 256 + d}", f"{a}.{number & 0xFFFFFF}", str(number))
    yield from (hex(number), hex(number).upper().replace("X", "x"), f"0{number:o}", f"000{number:o}")
    yield from (f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"0x{a:x}.{number & 0xFFFFFF}")
    yield from (f"0{a:o}.0x{b:x}.{c}.0{d:o}", address.replace(".", "。"), address.replace(".", chr(0xFF0E)))
    yield "".join(chr(0xFF10 + int(each)) if each.isdigit() else each for each in address)
    yield from (f"[::ffff:{address}]", f"[::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}]", f"[64:ff9b::{address}]")
    yield f"[0:0:0:0:0:FFFF:{address}]"
    yield f"[2600:1::5efe:{address}]"


BY_ADDRESS = [(f"http://{host}:{{port}}/in", kind) for target, kind in TARGETS.items() for host in spellings(target)]
BY_RANGE = [
    (f"https://{host}/in", kind)
    for host, kind in [
        ("0", "is the unspecified address"),
        ("0.0.0.0", "is the unspecified address"),  # noqa: S104 -- nothing is bound; it is an address to refuse
        ("0.1.2.3", "is an address of this host's own network"),
        ("192.0.0.192", RESERVED),
        ("192.0.2.1", "is a documentation address"),
        ("192.88.99.1", RESERVED),
        ("198.18.0.1", "is a benchmarking address"),
        ("198.51.100.1", "is a documentation address"),
        ("203.0.113.1", "is a documentation address"),
        ("224.0.0.1", MULTICAST),
        ("239.255.255.250", MULTICAST),
        ("240.0.0.1", RESERVED),
        ("255.255.255.255", RESERVED),
        ("[::]", "is the unspecified address"),
        ("[::1]", LOOPBACK),
        ("[0:0:0:0:0:0:0:1]", LOOPBACK),
        ("[::127.0.0.1]", RESERVED),
        ("[::ffff:0:127.0.0.1]", RESERVED),
        ("[64:ff9b:1::10.0.0.1]", RESERVED),
        ("[100::1]", RESERVED),
        ("[2001::1]", "is a Teredo address"),
        ("[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "is a Teredo address"),
        ("[2001:10::1]", RESERVED),
        ("[2001:db8::1]", "is a documentation address"),
        ("[2002:7f00:1::]", TUNNEL),
        ("[2002:a9fe:a9fe::1]", TUNNEL),
        ("[3fff::1]", "is a documentation address"),
        ("[4000::1]", RESERVED),
        ("[5f00::1]", RESERVED),
        ("[fc00::1]", PRIVATE),
        ("[fd00:ec2::254]", METADATA),
        ("[fd20:ce::254]", PRIVATE),
        ("[fe80::1]", "is a link-local address"),
        ("[fe80::5efe:8.8.8.8]", "is a link-local address"),
        ("[fec0::1]", PRIVATE),
        ("[ff02::1]", MULTICAST),
        ("localhost", LOOPBACK),
        ("LocalHost.", LOOPBACK),
        ("a.b.localhost", LOOPBACK),
        ("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", LOOPBACK),
    ]
]
BY_PORT = [
    (url, f"port {port} is not called")
    for url, port in [
        *((f"http://9.9.9.9:{port}/", port) for port in (1, 7, 19, 21, 22, 23, 25, 53, 110, 111, 135, 139, 143)),
        *((f"https://[2620:fe::fe]:{port}/", port) for port in (389, 445, 465, 514, 587, 636, 873, 993, 995, 1023)),
    ]
]
BY_SYNTAX = [
    *(
        (f"{scheme}127.0.0.1:{{port}}/", NO_SCHEME)
        for scheme in (
            *("file://", "ftp://", "gopher://", "dict://", "ldap://", "telnet://", "smb://", "ws://", "javascript://"),
            *(
                "data:",
                "http:",
                "http:/",
                "https:",
                "//",
                "/",
                "\\\\",
                "",
                "hhttp://",
                "http//",
                "unix:",
                "jar:http://",
            ),
        )
    ),
    *(
        (f"http://{authority}/", reason)
        for authority, reason in [
            ("127.0.0.1:{port}@9.9.9.9", "Give a user and password in a header instead."),
            ("9.9.9.9@127.0.0.1:{port}", "Give a user and password in a header instead."),
            ("9.9.9.9:80@127.0.0.1:{port}", "Give a user and password in a header instead."),
            ("127.0.0.1:{port}\\@9.9.9.9", "Give a user and password in a header instead."),
            ("9.9.9.9\\.127.0.0.1:{port}", NO_HOST),
            ("9.9.9.9 127.0.0.1:{port}", NO_HOST),
            ("127.0.0.1 :{port}", NO_HOST),
            ("127.0.0.1\t:{port}", "The control character U+0009"),
            ("127.0.0.1:{port}:80", NO_HOST),
            ("127.0.0.1%00.partner.example", NO_HOST),
            ("127.0.0.1%2f.partner.example", NO_HOST),
            ("%31%32%37.0.0.1:{port}", NO_HOST),
            ("[::1%25lo]:{port}", NO_HOST),
            ("[::1", NO_HOST),
            ("[127.0.0.1]:{port}x", NO_HOST),
            ("127.0.0.1:0", NO_HOST),
            ("127.0.0.1:65536", NO_HOST),
            ("127.0.0.1:-1", NO_HOST),
            ("..127.0.0.1", NO_HOST),
            ("{ActionId}:{port}", "Scheme, host and port hold no placeholder"),
            ("127.0.0.{ActionId}", "Scheme, host and port hold no placeholder"),
            ("127.0.0.1:{ActionId}", "Scheme, host and port hold no placeholder"),
            ("", "The host is missing"),
        ]
    ),
]
HOSTILE = [*BY_ADDRESS, *BY_RANGE, *BY_PORT, *BY_SYNTAX]


class Listener:
    """Takes connections on every address of this machine, answers 200, and notes on which address each came."""

    def __init__(self) -> None:
        if not socket.has_dualstack_ipv6():
            pytest.skip("This machine has no IPv6, by which the listener hears on every address.")
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=300)
        self.port = self._socket.getsockname()[1]
        self.reached: list[str] = []
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.reached.append(connection.getsockname()[0].removeprefix("::ffff:"))
                with closing(connection):
                    connection.recv(65_536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    with closing(Listener()) as listener:
        yield listener


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses for which libcurl was given a socket."""
    sockets: list[str] = []
    guard = Call._open_socket

    def watched(call: Call, purpose: int, address: tuple[int, int, int, tuple[str, int]]) -> socket.socket | int:
        given = guard(call, purpose, address)
        if given != pycurl.SOCKET_BAD:
            sockets.append(address[3][0])
        return given

    monkeypatch.setattr(Call, "_open_socket", watched)
    return sockets


def on_save(url: str) -> str:
    return " ".join(postback_errors(Postback(url=url, method="GET")).get("url", []))


def status_of(url: str) -> int:
    answer = send(Request("GET", url, {}))
    assert isinstance(answer, Answer), answer
    return answer.status_code


def test_there_are_more_than_two_hundred() -> None:
    assert len({url for url, _ in HOSTILE}) == len(HOSTILE) > 250


def test_saving_says_why(listener: Listener) -> None:
    wrong = {}
    for url, reason in HOSTILE:
        said = on_save(url.replace("{port}", str(listener.port)))
        if reason not in said:
            wrong[url] = said
    assert wrong == {}


def test_an_attempt_reaches_nobody_and_says_why(listener: Listener, opened: list[str]) -> None:
    """By the sender, all at once, as if they had been saved before there was a check."""
    outcomes = Outcomes()
    sender = Sender(outcomes.on_sent, outcomes.on_unsent)
    sender.start()
    wanted, said = {}, {}
    for lane, (url, reason) in enumerate(HOSTILE, 1):
        wanted[url] = reason
        try:
            request = compile_request(RequestTemplate("GET", url.replace("{port}", str(listener.port)))).build({})
        except RequestErrors as error:
            said[url] = error.explain()
        else:
            sender.put([prepared(claimed(lane=lane), request.url)])
    count = len(HOSTILE) - len(said)
    for sent in outcomes.wait_for(count):
        url = HOSTILE[sent.prepared.claimed.postback_id - 1][0]
        assert isinstance(sent.answer, Failure), url
        assert sent.answer.code in (Code.ADDRESS, Code.PORT), url
        said[url] = sent.answer.text
    sender.stop(5)

    assert {url: text for url, text in said.items() if wanted[url] not in text} == {}
    assert len(said) == len(HOSTILE)
    assert count == len(BY_ADDRESS) + len(BY_RANGE) + len(BY_PORT)
    assert (opened, listener.reached) == ([], [])


def test_the_transport_stands_by_itself(listener: Listener, opened: list[str]) -> None:
    """What no template would let through, handed to libcurl as it was typed."""
    for url, _ in HOSTILE:
        if "@9.9.9.9" not in url:  # There libcurl goes to 9.9.9.9, which is a public address.
            failure = send(Request("GET", url.replace("{port}", str(listener.port)), {}))
            assert isinstance(failure, Failure), url
            assert failure.text, url
    assert (opened, listener.reached) == ([], [])


def test_the_listener_would_have_noticed(listener: Listener, opened: list[str], settings: Settings) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = parse_networks(["127.0.0.0/8", "::1"])
    for url in (f"http://127.1:{listener.port}/", f"http://[::1]:{listener.port}/"):
        assert on_save(url) == ""
        assert status_of(url) == 200
    assert opened == listener.reached == ["127.0.0.1", "::1"]


def test_ports_are_those_of_the_setting(listener: Listener, settings: Settings) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = parse_networks(["127.0.0.0/8"])
    settings.POSTBACKS_ALLOWED_PORTS = parse_ports(["443"])
    url = f"http://127.0.0.1:{listener.port}/"
    reason = f"port {listener.port} is not called (POSTBACKS_ALLOWED_PORTS lists 443)"
    assert on_save(url) == f"This URL cannot be called: {reason}."
    assert "port 80 is not called" in on_save("http://receiver.example/{ActionId}")
    assert on_save("https://receiver.example/{ActionId}") == ""
    assert send(Request("GET", url, {})) == Failure(Code.PORT, reason)
    settings.POSTBACKS_ALLOWED_PORTS = parse_ports(["443", f"{listener.port - 1}-{listener.port}"])
    assert status_of(url) == 200
    assert listener.reached == ["127.0.0.1"]


@pytest.mark.parametrize("text", ["0", "65536", "8080-80", "http", "80-", "-80", "1-2-3", "\uff18\uff10"])
def test_a_bad_port_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is neither a port nor a range of ports"):
        parse_ports(["443", text])


# Names, and a name server that says one thing when it is checked and another when it is called.

NAME = "partner.example"


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch, listener: Listener) -> Callable[[list[list[str]]], None]:
    """Gives libcurl one of the answers, lists of addresses, at each request; nothing is kept from one to the next."""

    def answer_with(answers: list[list[str]]) -> None:
        remaining = iter(answers)
        prepare = Call.prepare

        def resolved(call: Call, request: Request, *, careful: bool = False) -> None:
            place = f"{NAME}:{listener.port}"
            call.curl.setopt(pycurl.RESOLVE, [f"-{place}", f"{place}:{','.join(next(remaining))}"])
            prepare(call, request, careful=careful)

        monkeypatch.setattr(Call, "prepare", resolved)

    return answer_with


def need_second_loopback() -> None:
    with closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            pytest.skip("This machine has no address 127.0.0.2 (macOS: sudo ifconfig lo0 alias 127.0.0.2).")


def test_a_name_that_changes_its_address_is_refused_when_it_does(
    listener: Listener, resolver: Callable[[list[list[str]]], None], settings: Settings
) -> None:
    """127.0.0.2 stands for an address of the public: the first answer is one that may be called."""
    need_second_loopback()
    settings.POSTBACKS_ALLOWED_NETWORKS = parse_networks(["127.0.0.2"])
    url = f"http://{NAME}:{listener.port}/in"
    assert on_save(url) == ""
    resolver([["127.0.0.2"], ["127.0.0.1"], ["10.0.0.7"], ["[::1]"], ["169.254.169.254"], ["127.0.0.2"]])
    outcomes = Outcomes()
    sender = Sender(outcomes.on_sent, outcomes.on_unsent)
    sender.start()
    said: list[str | int] = []
    for number in range(1, 7):
        sender.put([prepared(claimed(), url)])
        answer = outcomes.wait_for(number)[-1].answer
        said.append(answer.status_code if isinstance(answer, Answer) else answer.text.partition(",")[0])
    sender.stop(5)
    assert said == [
        200,
        "127.0.0.1 is a loopback address",
        "10.0.0.7 is a private address",
        "::1 is a loopback address",
        "169.254.169.254 is a cloud metadata address",
        200,
    ]
    assert listener.reached == ["127.0.0.2", "127.0.0.2"]


def test_of_several_addresses_only_those_that_may_be_called_are(
    listener: Listener, resolver: Callable[[list[list[str]]], None], settings: Settings
) -> None:
    need_second_loopback()
    settings.POSTBACKS_ALLOWED_NETWORKS = parse_networks(["127.0.0.2"])
    resolver([["127.0.0.1", "127.0.0.2"], ["[::1]", "127.0.0.1", "127.0.0.3"]])
    url = f"http://{NAME}:{listener.port}/in"
    assert status_of(url) == 200
    failure = send(Request("GET", url, {}))
    assert isinstance(failure, Failure)
    assert failure.code is Code.ADDRESS
    assert " is a loopback address, and only public addresses are called" in failure.text
    assert listener.reached == ["127.0.0.2"]
