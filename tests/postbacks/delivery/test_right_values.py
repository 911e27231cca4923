"""What a receiver reads of hostile values: reported for real, sent by real workers, parsed as receivers parse."""

import json
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import override_settings

from tests.support.factories import make_partner, make_postback, make_term, make_tracker, record_action
from tests.support.receiver import ScriptedReceiver
from tests.support.workers import running_workers

NOTE = 'x","payout":"999\nline two'
JOINS = "{join(items, i, 'sku{i}={i.sku}', '&', '?')}{join(items, i, 'qty{i}={i.qty}', '&', '?')}"


@pytest.mark.django_db(transaction=True)
@override_settings(POSTBACKS_ALLOWED_NETWORKS=[ip_network("127.0.0.0/8")])
def test_a_receiver_reads_back_what_was_reported() -> None:
    tracker, partner = make_tracker(), make_partner()
    make_term(tracker, partner, "10%")
    with ScriptedReceiver() as receiver, running_workers():
        here = f"http://{receiver.host}:{receiver.port}"
        form = [["payload", '{"note":"{Note}","payout":"{Payout}"}']]
        make_postback(tracker, partner, url=f"{here}/form", method="POST", body_format="querystring", body_pairs=form)
        event = [["eventValue", '{"n":"{Note}","new":{bool(Text1)}}']]
        make_postback(tracker, partner, url=f"{here}/json", method="POST", body_format="json", body_pairs=event)
        url = f"{here}/items{JOINS}&mac={{odin1}}&d=%7B%22n%22:%22{{Note}}%22%7D"
        make_postback(tracker, partner, url=url, headers='X-Note: {Note}\nX-Data: {"n":"{Note}"}')
        items = [{"Sku": "A&1", "Quantity": 2, "SubTotal": "60.00"}, {"Sku": 'B"', "Quantity": 1, "SubTotal": "40.00"}]
        record_action(tracker, partner, Note=NOTE, Text1="yes", macAddress="02-00-4c-4f-4f-50", Items=items)
        receiver.wait_for(3, timeout=15)
        by_path = {each.path: each for each in receiver.arrivals}

    payload = json.loads(parse_qs(by_path["/form"].body)["payload"][0])
    assert payload == {"note": NOTE, "payout": "10.00"}
    assert json.loads(json.loads(by_path["/json"].body)["eventValue"]) == {"n": NOTE, "new": True}
    fetched = by_path["/items"]
    assert fetched.url.count("?") == 1
    query = {name: value for name, [value] in parse_qs(urlsplit(fetched.url).query, strict_parsing=True).items()}
    assert json.loads(query.pop("d")) == {"n": NOTE}
    assert query == {
        "sku1": "A&1",
        "sku2": 'B"',
        "qty1": "2",
        "qty2": "1",
        "mac": "ec0309eb4c5618b769c005af18040ec78fcd23b0",
    }
    assert fetched.headers["X-Note"] == NOTE.replace("\n", " ")
    assert json.loads(fetched.headers["X-Data"]) == {"n": NOTE}
