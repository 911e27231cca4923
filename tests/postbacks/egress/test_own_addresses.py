"""A public address of this machine is no destination: a database or the web may listen on it."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from environment.variables import BASE_DIR
from postbacks.egress import own_addresses
from postbacks.egress.destination import connection_refusal, destination_refusal
from postbacks.egress.failures import Code
from postbacks.egress.guard import refusal
from postbacks.egress.own_addresses import OwnAddresses
from tests.support.workers import environment
from value_types.networks import parse_networks

V4, V6 = "8.8.4.99", "2606:4700:4700::99"

# In a network of its own: a public address comes, a server answers on it, and goes.
IN_A_NETWORK = f"""
import subprocess, socket, threading, time
import django
django.setup()
from http.server import BaseHTTPRequestHandler, HTTPServer
from django.conf import settings
from postbacks.egress.transport import send
from tests.support.delivery_rows import make_request

def ip(*words): subprocess.run(["ip", *words], check=True)
def ask(host):
    result = send(make_request(f"http://{{host}}:8080/"))
    return getattr(result, "text", "") if hasattr(result, "code") else str(result.status_code)

ip("link", "set", "lo", "up")
class Server(HTTPServer): address_family = socket.AF_INET6
class Handler(BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers()
    do_POST = do_GET
    def log_message(self, *_): pass
threading.Thread(target=Server(("::", 8080), Handler).serve_forever, daemon=True).start()
print(ask("{V4}"))
ip("address", "add", "{V4}/32", "dev", "lo"); ip("address", "add", "{V6}/128", "dev", "lo", "nodad")
time.sleep(1.1)
for host in ("{V4}", "[{V6}]", "[::ffff:{V4}]", "0x08080463"): print(ask(host))
from value_types.networks import parse_networks
settings.POSTBACKS_ALLOWED_NETWORKS = list(parse_networks(["{V4}"]))
print(ask("{V4}"))
"""


@pytest.fixture
def interfaces(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[SimpleNamespace]]:
    """What the system tells, to be changed."""
    told: dict[str, list[SimpleNamespace]] = {}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: told)
    monkeypatch.setattr(own_addresses, "READ_AGAIN_SECONDS", 0.0)
    return told


def bear(*addresses: str) -> list[SimpleNamespace]:
    return [SimpleNamespace(address=address) for address in addresses]


def test_what_an_interface_bears_is_refused_and_an_allowed_network_wins() -> None:
    own = OwnAddresses().now()
    assert own, "this machine has at least its loopback address"
    assert refusal("8.8.8.8", [], own) is None
    own = frozenset({*own, *(network.network_address for network in parse_networks([V4, V6]))})
    for address in (V4, V6):
        said = refusal(address, [], own)
        assert said is not None
        assert said.startswith(f"{address} is an address of this machine, and only public addresses are called")
    for wrapped in (f"::ffff:{V4}", "64:ff9b::808:463"):
        said = refusal(wrapped, [], own)
        assert said is not None
        assert said.startswith(f"{wrapped}, which stands for {V4}, is an address of this machine")
    tunnelled = refusal("2606:4700::5efe:808:463", [], own)
    assert tunnelled is not None
    assert "is an address of this machine" in tunnelled
    assert refusal(V4, parse_networks(["8.8.4.0/24"]), own) is None


def test_an_address_that_comes_and_goes(interfaces: dict[str, list[SimpleNamespace]]) -> None:
    read = OwnAddresses()
    interfaces["eth0"] = bear("02:fc:00:00:00:01", "192.0.2.2")
    before = read.now()
    assert refusal(V4, [], before) is None
    interfaces["eth1"] = bear(V4, f"{V6}%eth1")
    after = read.now()
    assert refusal(V4, [], after) is not None
    assert refusal(V6, [], after) is not None
    assert read.now() is after
    del interfaces["eth1"]
    assert refusal(V4, [], read.now()) is None


def test_addresses_that_cannot_be_read_stay_refused(
    interfaces: dict[str, list[SimpleNamespace]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    read = OwnAddresses()
    interfaces["eth0"] = bear(V4)
    known = read.now()

    def fail() -> None:
        raise OSError("netlink is closed")

    monkeypatch.setattr(psutil, "net_if_addrs", fail)
    assert read.now() is known
    assert "those last known stay refused: netlink is closed" in caplog.text


def test_urls_and_connections_are_both_refused(
    interfaces: dict[str, list[SimpleNamespace]], settings: SimpleNamespace
) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = []
    interfaces["eth0"] = bear(V4, V6)
    own_addresses._of_this_process._read_at = float("-inf")
    for url in (f"https://{V4}/", f"http://[{V6}]:8000/x", "http://134743139/", "http://0x8.0x8.0x4.0x63/"):
        refused = destination_refusal(url)
        assert refused is not None, url
        assert refused.code is Code.ADDRESS
    assert connection_refusal(V4, 443) is not None
    assert connection_refusal("8.8.8.8", 443) is None
    own_addresses._of_this_process._read_at = float("-inf")


@pytest.mark.worker
def test_a_server_on_a_public_address_of_this_machine_is_not_called() -> None:
    unshare = ["unshare", "--map-root-user", "--net"]
    try:
        subprocess.run([*unshare, "ip", "link"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("This system allows no network of its own (unshare and ip, of util-linux and iproute2).")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", IN_A_NETWORK],
        cwd=BASE_DIR,
        env={**environment(), "POSTBACKS_ALLOWED_NETWORKS": "", "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 6, done.stderr
    assert lines[0].startswith("The connection was refused or the host could not be reached")
    for line in lines[1:5]:
        assert "is an address of this machine, and only public addresses are called" in line
    assert lines[5] == "200"
