"""Two cells behind a router, each with its own PostgreSQL database, Redis, web and worker; an account moves from one to
the other while its shop reports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet
from django.db import connection

from devtools.up.ports import answers, find_free
from environment.variables import BASE_DIR
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.releases import Release, Servers, running_servers
from tests.support.router import Router, running_router

FEW = 40
AMOUNTS = ("10.00", "20.00")
CONFIGURATION = """
programs:
  - {{id: 100, name: Lighthouse, currency: USD, action_trackers: [{{id: 101, name: Order}}]}}
media_sources:
  - id: 110
    name: Beacon
    type: Analytics
    postbacks:
      - {{name: all, action_tracker: 101, url: "{url}/in?order={{Oid}}&amount={{Amount}}&id={{DeliveryId}}"}}
"""
# Ids of the second cell begin elsewhere, as receivers see them.
APART = """
SELECT setval(pg_get_serial_sequence(name, 'id'), 1000000000000) FROM (VALUES ('actions_action'),
    ('actions_actionevent'), ('actions_submission'), ('actions_apitoken'), ('postbacks_delivery')) AS each (name)
"""
UNFINISHED = "SELECT FROM postbacks_delivery WHERE state NOT IN ('delivered', 'cancelled')"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Shop(threading.Thread):
    """Reports orders and changes each; what is not taken for the moment, it reports again."""

    def __init__(self, router: Router, sid: str, token: str) -> None:
        super().__init__()
        self._base = f"{router.address}/Advertisers/{sid}"
        self._session = requests.Session()
        self._session.auth = (sid, token)
        self._session.headers["Accept"] = "application/json"
        self._enough = threading.Event()
        self.orders: list[str] = []
        self.refused: list[str] = []

    def run(self) -> None:
        while not self._enough.wait(0.02):
            self.orders.append(order := f"ORDER-{len(self.orders)}")
            new = {"CampaignId": "100", "EventDate": "2026-11-20", "Amount": AMOUNTS[0]}
            self.report("POST", "Conversions", OrderId=order, ActionTrackerId="101", **new)
            self.report("PUT", "Actions", OrderId=order, ActionTrackerId="101", Amount=AMOUNTS[1])

    def stop(self) -> None:
        self._enough.set()
        if self.is_alive():
            self.join()

    def report(self, method: str, what: str, **fields: str) -> requests.Response:
        while True:
            answer = self._session.request(method, f"{self._base}/{what}", data=fields, timeout=30)
            if answer.status_code != 503:
                break
            time.sleep(0.05)
        if answer.json().get("Status") != "QUEUED":
            self.refused.append(answer.text)
        return answer


@contextmanager
def cell(name: str, started: ExitStack, key: str) -> Iterator[tuple[Release, Servers]]:
    """A cell without any program; `started` ends what is started in it."""
    with tempfile.TemporaryDirectory(prefix=f"cell-{name}-") as folder:
        connection.close()
        servers = started.enter_context(
            running_servers(Path(folder), name=f"cell_{name}", template=connection.settings_dict["NAME"])
        )
        variables = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ},
            **servers.variables,
            "SECRET_KEY": f"of the cell {name} in the tests, and long enough to be no invitation to guess it",
            "POSTBACKS_ENCRYPTION_KEYS": key,
            "POSTBACKS_ALLOWED_NETWORKS": "127.0.0.0/8",
            "POSTBACKS_DATA_DIR": folder,
            "HTTPS_ONLY": "false",
            "PYTHONUNBUFFERED": "1",
        }
        release = Release(name, BASE_DIR, variables, [])
        try:
            yield release, servers
        finally:
            for program in release.started:
                program.kill()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(300)
def test_an_account_moves_to_another_cell_while_it_reports(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    with (
        ExitStack() as stack,
        ScriptedReceiver() as receiver,
        running_router() as router,
        cell("a", stack, key) as (old, old_servers),
        cell("b", stack, key) as (new, new_servers),
    ):
        new_servers.ask(APART)
        (tmp_path / "config.yaml").write_text(CONFIGURATION.format(url=receiver.url))
        old.manage("load_config", str(tmp_path / "config.yaml"))
        sid, token = old.manage("create_api_token", "shop", "--own-account", "--program", "100").split()[1::2]
        (_, old_address), (_, new_address) = old.web(), new.web()
        for each in (old, new):
            each.worker()
        shop = Shop(router, sid, token)
        router.send(sid, old_address)
        shop.start()
        try:
            receiver.wait_for(FEW, timeout=60)

            router.send(sid, None)
            file = str(tmp_path / "account")
            old.manage("move_account", "--out", sid, file)
            new.manage("move_account", "--in", file)
            router.send(sid, new_address)
            new.manage("move_account", "--resume", sid)
            old.manage("move_account", "--end", file)

            before = len(shop.orders)
            wait_until(lambda: len(shop.orders) > before + FEW, 60, "more is reported")
        finally:
            shop.stop()
        first = shop.report("PUT", "Actions", OrderId=shop.orders[0], ActionTrackerId="101", Amount=AMOUNTS[1])
        again = {"OrderId": shop.orders[0], "ActionTrackerId": "101", "CampaignId": "100", "Amount": AMOUNTS[0]}
        shop.report("POST", "Conversions", EventDate="2026-11-20", **again)
        wait_until(lambda: new_servers.ask(UNFINISHED) == [], 60, "all is delivered")
        arrivals = receiver.arrivals
        recorded = dict(new_servers.ask("SELECT order_id, id FROM actions_action"))
        in_old = dict(old_servers.ask("SELECT order_id, id FROM actions_action"))

    assert first.status_code == 200
    assert router.held > 0, "the shop was held meanwhile"
    assert shop.refused == []
    told: dict[str, list[str]] = {}
    for arrival in arrivals:
        told.setdefault(arrival.query["order"], []).append(arrival.query["amount"])
    assert told == {order: list(AMOUNTS) for order in shop.orders}, "each once, in order, whichever cell sent it"
    assert max(Counter(arrival.query["id"] for arrival in arrivals).values()) == 1
    assert set(recorded) == set(shop.orders)
    assert in_old.items() <= recorded.items(), "the history went along with its ids"
    assert len(in_old) < len(recorded)
    assert all(recorded[order] > 10**12 for order in set(recorded) - set(in_old))


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx).")
@pytest.mark.worker
def test_the_router_of_the_documents_sends_each_account_to_its_cell(tmp_path: Path) -> None:
    """deploy/cells/nginx.conf, with addresses of this machine and without TLS."""
    accounts = tmp_path / "accounts.map"
    accounts.write_text("PPone cell_a; PPtwo cell_b; PPmoving hold;")
    port = find_free()
    router = f"http://127.0.0.1:{port}"
    with ScriptedReceiver() as first, ScriptedReceiver() as second:
        text = (BASE_DIR / "deploy/cells/nginx.conf").read_text()
        for network, cell_of in (("10.0.1", first), ("10.0.2", second)):
            text = re.sub(rf"server {network}.10:8000;\s+server {network}.11:8000;", f"server {cell_of.url[7:]};", text)
        text = re.sub(r"ssl_certificate.*", "", text).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
        (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/pid; daemon off; error_log stderr;\n{text}")
        command = [str(NGINX), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as nginx:
            try:
                wait_until(lambda: answers(port), 20, "nginx answers")

                def reported(account: str) -> requests.Response:
                    address = f"{router}/Advertisers/{account}/Conversions"
                    return requests.post(address, data={"OrderId": "1"}, timeout=20)

                accounts_of_reports = ("PPone", "PPtwo", "PPtwo", "PPnobody")
                assert [reported(name).status_code for name in accounts_of_reports] == [200, 200, 200, 404]
                assert (len(first.arrivals), len(second.arrivals)) == (1, 2)
                assert first.arrivals[0].url == "/Advertisers/PPone/Conversions"
                assert first.arrivals[0].body == "OrderId=1"
                held = reported("PPmoving")
                assert (held.status_code, held.headers["Retry-After"]) == (503, "5")
                assert requests.get(f"{router}/admin/", timeout=20).status_code == 404

                accounts.write_text("PPone cell_a; PPtwo cell_b; PPmoving cell_b;")
                subprocess.run([*command, "-s", "reload"], check=True, capture_output=True)
                wait_until(lambda: reported("PPmoving").status_code == 200, 20, "it goes on in its new cell")
                assert second.arrivals[-1].path == "/Advertisers/PPmoving/Conversions"
            finally:
                nginx.terminate()
