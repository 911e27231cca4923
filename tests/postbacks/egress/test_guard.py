import ipaddress
import re

import pytest

from postbacks.egress.guard import refusal
from value_types.networks import Network, parse_networks

NONE: list[Network] = []


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
        *(
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
        ),
        *("192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15"),
        *("2606:4700:4700::1111", "2a00:1450:4001::200e", "2001:4860:4860::8888", "2001:200::1"),
        *("::ffff:8.8.8.8", "64:ff9b::808:808"),
    ],
)
def test_a_public_address_may_be_called(address: str) -> None:
    assert refusal(address, NONE) is None


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "the unspecified address"),  # noqa: S104 - nothing is bound; it is an address to refuse.
        ("0.1.2.3", "an address of this host's own network"),
        ("10.0.0.0", "a private address"),
        ("10.255.255.255", "a private address"),
        ("100.64.0.0", "an address behind a carrier's NAT"),
        ("100.100.100.200", "an address behind a carrier's NAT"),
        ("100.127.255.255", "an address behind a carrier's NAT"),
        ("127.0.0.1", "a loopback address"),
        ("127.255.255.255", "a loopback address"),
        ("168.63.129.16", "a cloud metadata address"),
        ("169.254.0.1", "a link-local address"),
        ("169.254.169.254", "a cloud metadata address"),
        ("172.16.0.0", "a private address"),
        ("172.31.255.255", "a private address"),
        ("192.0.0.192", "a reserved address"),
        ("192.0.2.1", "a documentation address"),
        ("192.88.99.1", "a reserved address"),
        ("192.168.0.0", "a private address"),
        ("198.18.0.0", "a benchmarking address"),
        ("198.19.255.255", "a benchmarking address"),
        ("198.51.100.7", "a documentation address"),
        ("203.0.113.7", "a documentation address"),
        ("224.0.0.1", "a multicast address"),
        ("239.255.255.255", "a multicast address"),
        ("240.0.0.1", "a reserved address"),
        ("255.255.255.255", "a reserved address"),
        ("::", "the unspecified address"),
        ("::1", "a loopback address"),
        ("::127.0.0.1", "a reserved address"),
        ("fc00::1", "a private address"),
        ("fd00:ec2::254", "a cloud metadata address"),
        ("fdff::1", "a private address"),
        ("fe80::1", "a link-local address"),
        ("fe80::1%eth0", "a link-local address"),
        ("fec0::1", "a private address"),
        ("ff02::1", "a multicast address"),
        ("2001:db8::1", "a documentation address"),
        ("3fff::1", "a documentation address"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "a Teredo address"),
        ("2002:7f00:1::", "a 6to4 address"),
        ("2002:808:808::1", "a 6to4 address"),
        ("2001:2::1", "a reserved address"),
        ("100::1", "a reserved address"),
        ("5f00::1", "a reserved address"),
        ("64:ff9b:1::808:808", "a reserved address"),
        ("4000::1", "a reserved address"),
    ],
)
def test_any_other_address_is_refused_by_name(address: str, kind: str) -> None:
    assert refusal(address, NONE) == (
        f"{address} is {kind}, and only public addresses are called (POSTBACKS_ALLOWED_NETWORKS lists exceptions)"
    )


@pytest.mark.parametrize(
    ("address", "inner", "kind"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1", "a loopback address"),
        ("::ffff:a9fe:a9fe", "169.254.169.254", "a cloud metadata address"),
        ("64:ff9b::a00:1", "10.0.0.1", "a private address"),
        ("64:ff9b::7f00:1", "127.0.0.1", "a loopback address"),
    ],
)
def test_an_ipv4_address_wrapped_in_ipv6_is_judged_as_what_it_is(address: str, inner: str, kind: str) -> None:
    reason = refusal(address, NONE)
    assert reason is not None
    assert reason.startswith(f"{address}, which stands for {inner}, is {kind}, and only public")


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "127.0.0.1:80", "[::1]"])
def test_what_is_not_an_ip_address_is_refused(text: str) -> None:
    assert refusal(text, parse_networks(["0.0.0.0/0", "::/0"])) == f"{text} is not an IP address"


def test_an_allowed_network_wins_and_allows_nothing_beside_it() -> None:
    allowed = parse_networks(["127.0.0.0/8", "fd12::/16"])
    assert refusal("127.0.0.1", allowed) is None
    assert refusal("fd12::7", allowed) is None
    assert refusal("::1", allowed) is not None
    assert refusal("10.0.0.1", allowed) is not None
    assert refusal("fd13::7", allowed) is not None
    assert refusal("8.8.8.8", allowed) is None


def test_an_allowed_ipv4_network_allows_its_addresses_wrapped_in_ipv6() -> None:
    assert refusal("::ffff:127.0.0.1", parse_networks(["127.0.0.0/8"])) is None
    assert refusal("::ffff:127.0.0.1", parse_networks(["10.0.0.0/8"])) is not None


def test_an_allowed_ipv6_network_may_hold_wrapped_addresses() -> None:
    allowed = parse_networks(["::ffff:127.0.0.0/104"])
    assert refusal("::ffff:127.0.0.1", allowed) is None
    assert refusal("127.0.0.1", allowed) is not None


def test_the_answer_follows_the_allowed_networks_of_each_call() -> None:
    assert refusal("10.9.9.9", []) is not None
    assert refusal("10.9.9.9", [ipaddress.ip_network("10.0.0.0/8")]) is None
    assert refusal("10.9.9.9", []) is not None


def test_networks_are_read_from_cidrs_and_single_addresses() -> None:
    networks = parse_networks([" 127.0.0.0/8", "", "fd00::/8 ", "10.1.2.3"])
    assert [str(network) for network in networks] == ["127.0.0.0/8", "fd00::/8", "10.1.2.3/32"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "10.0.0.1/8",
            "10.0.0.1/8 is an address inside the network 10.0.0.0/8. Write 10.0.0.0/8, or the address alone.",
        ),
        ("10.0.0.0/33", "10.0.0.0/33 is neither a network nor an IP address."),
        (
            "localhost",
            "localhost is neither a network nor an IP address. Write it as 10.1.0.0/16, fd00::/8 or 10.1.2.3.",
        ),
    ],
)
def test_a_bad_network_is_named(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_networks(["127.0.0.0/8", text])
