"""What callers send: in the query, as JSON that is called a form, in other charsets, nested too deep."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from actions.models import Action, ActionEvent, Submission
from actions.reports.files import MAX_DEPTH
from partners.models import ActionTracker
from tests.support.api import FORM, Caller
from tests.support.factories import report_fields

JSON = "application/json"


def refusal(response: Any) -> dict[str, Any]:
    """The one entry of a refusal."""
    assert response.status_code == 400, response.content
    (entry,) = response.json()["errors"]
    return dict(entry)


def recorded() -> dict[str, Any]:
    return dict(Action.objects.get().reported)


def test_a_conversion_comes_in_the_query(call: Caller, tracker: ActionTracker) -> None:
    told = call.submission(call("POST", f"Conversions?{urlencode({**report_fields(tracker), 'Note': 'São & Co'})}"))
    assert told["Result"] == "recorded"
    assert recorded()["Note"] == "São & Co"


@pytest.mark.parametrize("form", [FORM, JSON])
def test_query_and_body_are_taken_together(call: Caller, tracker: ActionTracker, form: str) -> None:
    fields = {**report_fields(tracker), "Amount": 12}
    body = json.dumps(fields) if form == JSON else urlencode(fields)
    # What both say is the same in either, and what is empty says nothing.
    told = call.submission(call("POST", "Conversions?Amount=12&Note=gift&OrderId=", body, form=form))
    assert told["Result"] == "recorded"
    assert recorded()["Note"] == "gift"


@pytest.mark.parametrize("form", [FORM, JSON])
@pytest.mark.parametrize("name", ["Note", "note"])
def test_a_field_with_two_values_is_refused_by_its_name(
    call: Caller, tracker: ActionTracker, form: str, name: str
) -> None:
    fields = {**report_fields(tracker), "Note": "one"}
    body = json.dumps(fields) if form == JSON else urlencode(fields)
    entry = refusal(call("POST", f"Conversions?{name}=two", body, form=form))
    assert (entry["field"], entry["code"]) == (name, "MALFORMED")
    assert not Action.objects.exists()


def test_json_with_a_field_twice_is_refused_by_its_name(call: Caller) -> None:
    entry = refusal(call("POST", "Conversions", '{"OrderId": "1", "OrderId": "2"}', form=JSON))
    assert (entry["field"], entry["message"]) == ("OrderId", "OrderId: it is given twice, with different values.")
    entry = refusal(call("POST", "Conversions", '{"Items": [{"Sku": "1", "Sku": "2"}]}', form=JSON))
    assert entry["field"] == "Sku"


def test_a_change_and_a_reversal_come_in_the_query(call: Caller, tracker: ActionTracker) -> None:
    call.form("POST", "Conversions", **report_fields(tracker), Amount="100")
    which = f"ActionId={Action.objects.get().action_id}"
    for method, query in (("PUT", f"{which}&Amount=80&Reason=ITEM_RETURNED"), ("DELETE", f"{which}&DispositionCode=X")):
        assert call.submission(call(method, f"Actions?{query}"))["Result"] == "recorded"
    assert list(ActionEvent.objects.order_by("id").values_list("kind", flat=True)) == [
        "created",
        "modified",
        "reversed",
    ]


def as_json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def as_form(fields: dict[str, Any]) -> bytes:
    return urlencode(fields).encode()


@pytest.mark.parametrize("write", [as_json, as_form])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n "], ids=["bare", "marked", "blank"])
@pytest.mark.parametrize(
    "form",
    [
        FORM,
        f"{FORM}; charset=UTF-8",
        JSON,
        f'{JSON};charset="utf-8"',
        f"{JSON}; charset=ISO-8859-1",
        "application/vnd.shop+json",
        "text/json",
        "text/plain;charset=UTF-8",
        "application/octet-stream",
        "",
    ],
)
def test_a_body_is_read_as_what_it_looks_like(
    call: Caller, tracker: ActionTracker, form: str, before: bytes, write: Any
) -> None:
    body = before + write({**report_fields(tracker), "Note": "São"})
    assert call.submission(call("POST", "Conversions", body, form=form))["Result"] == "recorded"
    assert recorded()["Note"] == "São"


@pytest.mark.parametrize("charset", ["ISO-8859-1", "windows-1252", "latin1"])
def test_another_charset_is_read_where_it_is_named(call: Caller, tracker: ActionTracker, charset: str) -> None:
    form = urlencode({**report_fields(tracker), "OrderId": "o-1", "Note": "São"}, encoding=charset)
    call.submission(call("POST", "Conversions", form, form=f"{FORM}; charset={charset}"))
    body = json.dumps({**report_fields(tracker), "OrderId": "o-2", "Note": "São"}, ensure_ascii=False).encode(charset)
    call.submission(call("POST", "Conversions", body, form=f"{JSON}; charset={charset}"))
    assert [action.reported["Note"] for action in Action.objects.all()] == ["São", "São"]


@pytest.mark.parametrize(
    ("body", "form", "named"),
    [
        (b"Note=S\xe3o", FORM, "not UTF-8"),
        (b"Note=S%E3o", FORM, "not UTF-8"),
        (b'{"Note": "S\xe3o"}', JSON, "not UTF-8"),
        (b"OrderId=1", f"{FORM}; charset=utf-16", "charset 'utf-16'"),
        (b"OrderId=1", f"{FORM}; charset=unheard-of", "charset 'unheard-of'"),
        (b'{"OrderId": "1"', FORM, "not JSON: Expecting"),
        (b'[{"OrderId": "1"}]', FORM, "not an object"),
        (b'"{\\"OrderId\\": 1}"', JSON, "not an object"),
        (b'{"Amount": NaN}', JSON, "NaN is not a number"),
        (b"%7B%22OrderId%22%3A%221%22%7D", FORM, "JSON that was form-encoded"),
        (b"%7B%22OrderId%22%3A%221%22%7D=", FORM, "JSON that was form-encoded"),
        (b'--x\r\nContent-Disposition: form-data; name="OrderId"', "multipart/form-data; boundary=x", "multipart"),
        (b"<Conversion/>", "text/xml", "text/xml"),
    ],
)
def test_a_body_that_cannot_be_read_has_its_cause_named(call: Caller, body: bytes, form: str, named: str) -> None:
    entry = refusal(call("POST", "Conversions", body, form=form))
    assert entry["code"] == "MALFORMED"
    assert named in entry["message"]
    assert not Submission.objects.exists()


@pytest.mark.parametrize(("path", "form"), [("Conversions", JSON), ("Conversions/Batch", "application/x-ndjson")])
def test_a_compressed_body_is_refused_as_such(call: Caller, path: str, form: str) -> None:
    body = gzip.compress(b'{"OrderId": "o-1"}')
    entry = refusal(call("POST", path, body, form=form, **{"Content-Encoding": "gzip"}))
    assert entry["message"] == "Content-Encoding: 'gzip' cannot be read; send the body as it is."


def test_a_batch_may_begin_with_a_mark(call: Caller, tracker: ActionTracker) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(report_fields(tracker)).encode()
    answer = call("POST", "Conversions/Batch", body, form="application/x-ndjson; charset=utf-8")
    assert json.loads(answer.getvalue())["Result"] == "recorded"


def test_an_error_has_the_documented_entries_in_both_forms(call: Caller) -> None:
    for path, field in (("Conversions", "OrderId"), ("Conversions?Amount=x", "Amount")):
        content = call("POST", path).json()
        assert content["Status"] == "ERROR"
        assert content["Errors"] == [{"Field": field, "Message": content["Message"]}]
        assert content["errors"][0]["field"] == field
        root = ET.fromstring(call("POST", path, accept="application/xml").content)  # noqa: S314 -- our own answer
        assert root.tag == "ImpactRadiusResponse"
        assert [(each.findtext("Field"), each.findtext("Message")) for each in root.findall("Errors/Error")] == [
            (field, content["Message"])
        ]
        assert root.findtext("errors/Error/code")
    # An error of whatever kind.
    assert call("GET", "Nothing").json()["Errors"][0]["Message"]
    assert call("GET", "Actions?PageSize=x").json()["Errors"][0]["Field"] == "PageSize"


def nested(depth: int) -> str:
    """An object with so many lists in each other, one level less than it says."""
    return '{"CouponColor": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 900, 5_000, 100_000])
def test_what_is_nested_too_deep_is_refused_at_the_door(
    call: Caller, caplog: pytest.LogCaptureFixture, depth: int
) -> None:
    for body in (nested(depth), nested(depth).replace("[", '{"a":').replace("]", "}").replace(":}", ":1}")):
        entry = refusal(call("POST", "Conversions", body, form=JSON))
        assert f"more than {MAX_DEPTH} deep" in entry["message"]
        answer = call("POST", "Conversions/Batch", body, form="application/x-ndjson")
        assert f"more than {MAX_DEPTH} deep" in json.loads(answer.getvalue())["Message"]
    assert not [record for record in caplog.records if record.exc_info]


def test_what_may_be_nested_is_refused_as_the_value_that_it_is(call: Caller) -> None:
    assert refusal(call("POST", "Conversions", nested(MAX_DEPTH), form=JSON))["field"] == "CouponColor"


STRANGE = {"nul": "a\0b", "surrogate": "a\ud800b", "long": "x" * 300}
FIELDS = ("OrderId", "Amount", "EventDate", "CustomerId", "Note", "Text50", "ItemSku1", "CouponColor", "Event")


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("field", FIELDS)
def test_strange_values_and_names_are_refused_with_words(
    call: Caller, tracker: ActionTracker, field: str, kind: str
) -> None:
    strange = STRANGE[kind]
    for fields in (
        {field: strange},
        {field + strange: "x"},
        {"Items": [{"Sku": strange}]},
        {"Items": [{strange: "x"}]},
    ):
        for accept in (JSON, "application/xml"):
            body = json.dumps({**report_fields(tracker), **fields})
            single = call("POST", "Conversions", body, form=JSON, accept=accept)
            lines = call("POST", "Conversions/Batch", body, form="application/x-ndjson", accept=accept)
            assert single.status_code in (200, 400)
            assert json.loads(lines.getvalue())["Result"] in ("rejected", "recorded", "repeated")
            if single.status_code == 200:  # A name or a text of 300 letters may be one that is kept.
                assert kind == "long"


@pytest.mark.parametrize("strange", ["%00", "a%00b", "%ED%A0%80", "x" * 300, "%FF"])
def test_strange_paths_and_queries_are_no_fault(call: Caller, tracker: ActionTracker, strange: str) -> None:
    for path in ("Actions/", "APISubmissions/A-", "", "Conversions"):
        assert call("GET", f"{path}{strange}").status_code in (400, 404, 405)
        assert call("GET", f"{path}{strange}.json").status_code in (400, 404, 405)
    for query in (f"OrderId={strange}", f"{strange}=1", f"State={strange}", f"BeforeId={strange}", strange):
        assert call("GET", f"Actions?{query}").status_code in (200, 400)
        assert call("GET", f"ActionUpdates?ActionId={strange}").status_code in (400, 404)
    fields = urlencode(report_fields(tracker))
    for query in (f"Note={strange}", f"{strange}=1", f"CouponColor={strange}"):
        assert call("POST", f"Conversions?{fields}&{query}").status_code in (200, 400)


def test_a_nul_in_the_query_is_named(call: Caller) -> None:
    assert refusal(call("GET", "Actions?State=PENDING&OrderId=a%00"))["field"] == "OrderId"


def test_more_fields_than_are_read_are_refused(call: Caller) -> None:
    assert call("GET", "Actions?" + "&".join(f"a{n}=1" for n in range(1_100))).status_code == 400
