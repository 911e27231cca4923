"""What goes out for a request template and an event's values, and what is refused when it is set up."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from actions.reports.parameters import sample_values
from postbacks import __version__
from postbacks.request.building import (
    MAX_BODY_BYTES,
    RequestErrors,
    RequestTemplate,
    Unbuildable,
    compile_request,
    sample_warnings,
)
from value_types.secret_text import SecretText

URL = "https://partner.example/in"
PAIRS = (
    ("campaign_id", "{CampaignId}"),
    ("partner_id", "{MediaPartnerId}"),
    ("action_id", "{ActionId}"),
    ("payout", "{Payout}"),
    ("text", 'for "{Text3}"'),
)


def post(body_format: str, *pairs: tuple[str, str], raw: str = "", headers: str = "") -> RequestTemplate:
    return RequestTemplate("POST", URL, headers, body_format, pairs, raw)


def fields_of(template: RequestTemplate) -> dict[str, list[str]]:
    with pytest.raises(RequestErrors) as caught:
        compile_request(template)
    return caught.value.fields


def test_a_get_request_has_the_rendered_url_and_headers_and_no_body() -> None:
    template = RequestTemplate(
        "GET", f" {URL}?cid={{CampaignId}}&sub={{SharedId}} ", "X-Source: harbor\r\n\r\nX-City:  {CustomerCity} \n"
    )
    request = compile_request(template).build(sample_values())
    assert request.method == "GET"
    assert request.url == "https://partner.example/in?cid=1000&sub=dc%7Cbanner%267"
    assert dict(request.headers) == {
        "User-Agent": f"PartnerPostbacks/{__version__}",
        "X-Source": "harbor",
        "X-City": "São Paulo",
    }
    assert request.body is None


@pytest.mark.parametrize(
    ("body_format", "content_type", "body"),
    [
        (
            "json",
            "application/json; charset=utf-8",
            (
                '{"campaign_id":"1000","partner_id":"3001","action_id":"1000.2001.158133","payout":"7.91",'
                '"text":"for \\"Deck \\"Pro\\" 42\\""}'
            ),
        ),
        (
            "xml",
            "application/xml; charset=utf-8",
            (
                '<?xml version="1.0" encoding="UTF-8"?>\n<postback><campaign_id>1000</campaign_id>'
                "<partner_id>3001</partner_id><action_id>1000.2001.158133</action_id><payout>7.91</payout>"
                "<text>for &quot;Deck &quot;Pro&quot; 42&quot;</text></postback>"
            ),
        ),
        (
            "querystring",
            "application/x-www-form-urlencoded; charset=utf-8",
            (
                "campaign_id=1000&partner_id=3001&action_id=1000.2001.158133&payout=7.91"
                "&text=for%20%22Deck%20%22Pro%22%2042%22"
            ),
        ),
    ],
)
def test_pairs_are_written_in_order_in_each_format(body_format: str, content_type: str, body: str) -> None:
    template = post(body_format, *PAIRS)
    request = compile_request(template).build(sample_values())
    assert request.body == body.encode()
    assert request.headers["Content-Type"] == content_type
    assert request.headers["Content-Length"] == str(len(body.encode()))
    assert sample_warnings(template) == []


def test_keys_are_encoded_as_their_format_asks() -> None:
    request = compile_request(post("json", ('a"b', "1"), ("é", ""))).build({})
    assert request.body == '{"a\\"b":"1","é":""}'.encode()
    request = compile_request(post("querystring", ("a[]", "1"), ("a[]", "{Oid}"))).build({"Oid": "ü"})
    assert request.body == b"a%5B%5D=1&a%5B%5D=%C3%BC"


def test_a_raw_body_goes_out_without_the_white_space_around_it() -> None:
    raw = (
        "<conversion><id>{ActionId}</id><city>{CustomerCity}</city>"
        '<amount currency="{Currency}">{Amount}</amount></conversion>'
    )
    request = compile_request(post("xml", raw=f"\n{raw}\n\n")).build(sample_values())
    assert (
        request.body
        == (
            "<conversion><id>1000.2001.158133</id><city>São Paulo</city>"
            '<amount currency="USD">107.23</amount></conversion>'
        ).encode()
    )


def test_the_operators_own_content_type_and_user_agent_win() -> None:
    template = post(
        "json", raw="{}", headers="content-type: application/vnd.partner+json\nUSER-AGENT: Summit/{Attempt}"
    )
    request = compile_request(template).build({"Attempt": "2"})
    assert list(request.headers.items()) == [
        ("content-type", "application/vnd.partner+json"),
        ("USER-AGENT", "Summit/2"),
        ("Content-Length", "2"),
    ]


@pytest.mark.parametrize("line", ["Accept-Encoding: gzip", "accept-ENCODING:", "Accept-Encoding : {Bad"])
def test_an_accept_encoding_of_the_operators_is_ignored_with_a_warning(line: str) -> None:
    template = RequestTemplate("GET", URL, f"X-A: 1\n{line}\nX-B: 2\n{line}")
    compiled = compile_request(template)
    assert list(compiled.build({}).headers) == ["User-Agent", "X-A", "X-B"]
    name = line.partition(":")[0].strip()
    ignored = f"{name} is ignored: we name the encodings that we can read. Take it out."
    assert [each.labelled for each in compiled.warnings] == [f"headers, line {n}: {ignored}" for n in (2, 4)]


def test_a_secret_accept_encoding_is_ignored_with_a_warning_too() -> None:
    secret = (("Accept-encoding", SecretText("gzip")), ("X-Token", SecretText("abc")))
    compiled = compile_request(RequestTemplate("GET", URL, "Accept-Encoding: br", secret_headers=secret))
    assert list(compiled.build({}).headers) == ["User-Agent", "X-Token"]
    assert [(each.field, each.where) for each in compiled.warnings] == [("headers", "line 1"), ("secret_headers", "")]


def test_hidden_parameters_are_empty_in_url_headers_and_body() -> None:
    template = RequestTemplate("POST", f"{URL}?p={{Oid}}", "X-Oid: {Oid}", "json", (), '{"o":{Oid},"p":{Payout}}')
    request = compile_request(template, frozenset({"Oid"})).build(sample_values())
    assert (request.url, request.headers["X-Oid"], request.body) == (f"{URL}?p=", "", b'{"o":null,"p":7.91}')


def test_the_same_values_give_the_same_bytes_and_leave_nothing_behind() -> None:
    compiled = compile_request(post("json", *PAIRS, headers="X-Oid: {Oid}"))
    first, other, again = (compiled.build(each) for each in (sample_values(), {"Oid": "other"}, sample_values()))
    assert (first.url, first.headers, first.body) == (again.url, again.headers, again.body)
    assert other.headers["X-Oid"] == "other"
    assert compile_request(post("json", *PAIRS, headers="X-Oid: {Oid}")) is compiled


def test_a_control_character_in_a_header_makes_the_request_unbuildable() -> None:
    compiled = compile_request(RequestTemplate("GET", URL, "X-Note: {Note}"))
    with pytest.raises(Unbuildable) as caught:
        compiled.build({"Note": "a\r\nX-Evil: 1"})
    assert str(caught.value) == "The header X-Note cannot be written: the value holds the control character U+000D."


def test_a_url_of_more_than_8_kib_is_unbuildable() -> None:
    compiled = compile_request(RequestTemplate("GET", f"{URL}?n={{Note}}"))
    room = 8192 - len(f"{URL}?n=")
    assert len(compiled.build({"Note": "x" * room}).url or "") == 8192
    with pytest.raises(Unbuildable) as caught:
        compiled.build({"Note": "x" * (room + 1)})
    assert str(caught.value) == "The URL is 8,193 bytes long with this event's values; the limit is 8,192."


def test_the_longest_url_is_a_setting(settings: Settings) -> None:
    template = RequestTemplate("GET", f"{URL}?n={{Note}}")
    usual = compile_request(template)
    settings.POSTBACKS_MAX_URL_BYTES = 100
    short = compile_request(template)
    room = 100 - len(f"{URL}?n=")
    assert len(short.build({"Note": "x" * room}).url or "") == 100
    with pytest.raises(Unbuildable, match=r"The URL is 101 bytes long with this event's values; the limit is 100\."):
        short.build({"Note": "x" * (room + 1)})
    assert len(usual.build({"Note": "x" * 1000}).url or "") > 1000


def test_bytes_of_the_url_are_counted_as_they_go_out() -> None:
    compiled = compile_request(RequestTemplate("GET", f"{URL}?{{raw(Note)}}"))
    with pytest.raises(Unbuildable, match=r"The URL is 9,027 bytes long"):
        compiled.build({"Note": "é" * 1500})


def test_an_endless_join_is_unbuildable_before_it_fills_the_memory() -> None:
    join = "{join(items, i, '%s')}" % ("{LandingPageUrl}" * 300)
    values = {"LandingPageUrl": "x" * 2000, "items": [{}] * 1000}
    for template, part in (
        (RequestTemplate("GET", f"{URL}?{join}"), "URL"),
        (RequestTemplate("GET", URL, f"X-All: {join}"), "header X-All"),
        (post("json", ("all", join)), "body"),
        (post("querystring", raw=join), "body"),
    ):
        with pytest.raises(Unbuildable) as caught:
            compile_request(template).build(values)
        assert str(caught.value) == (
            f"The {part} cannot be written: the join of 1000 items is longer than 262,144 characters."
        )


def test_places_are_counted_in_the_field_as_it_was_typed() -> None:
    template = RequestTemplate("POST", f"  {URL}?{{Oyd}}", "\n X-Note :  {Oyd}\n", "json", (), '\n\n  {"a": {Oyd}}\n')
    assert fields_of(template) == {
        "url": ["Unknown parameter {Oyd} at column 30. Did you mean {Oid}?"],
        "headers": ["line 2: Unknown parameter {Oyd} at column 12. Did you mean {Oid}?"],
        "body": ["Unknown parameter {Oyd} at line 3, column 9. Did you mean {Oid}?"],
    }


def test_a_body_of_more_than_256_kib_is_unbuildable() -> None:
    compiled = compile_request(post("json", ("n", "{Note}")))
    room = MAX_BODY_BYTES - len('{"n":""}')
    assert len(compiled.build({"Note": "x" * room}).body or b"") == 262_144
    with pytest.raises(Unbuildable, match=r"The body is 262,145 bytes long .* the limit is 262,144\."):
        compiled.build({"Note": "x" * (room + 1)})


def test_lone_surrogates_become_replacement_characters() -> None:
    compiled = compile_request(RequestTemplate("POST", URL, "X-Note: {Note}", "json", (("n", "{Note}"),)))
    request = compiled.build({"Note": "a\ud800b"})
    assert request.headers["X-Note"] == "a\ufffdb"
    assert request.body == '{"n":"a\ufffdb"}'.encode()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("X-Token abc", "line 2: Not “Name: value”: the colon is missing."),
        (
            "X Token: abc",
            "line 2: “X Token” is not a header name: letters, digits and hyphens; placeholders belong into the value.",
        ),
        (
            "{Oid}: abc",
            "line 2: “{Oid}” is not a header name: letters, digits and hyphens; placeholders belong into the value.",
        ),
        ("transfer-encoding: chunked", "line 2: transfer-encoding belongs to the connection and cannot be set."),
        ("Connection: close", "line 2: Connection belongs to the connection and cannot be set."),
        ("HOST: x", "line 2: HOST follows from the URL and cannot be set."),
        ("Content-Length: 1", "line 2: Content-Length follows from the body and cannot be set."),
        ("x-first: 2", "line 2: x-first is given twice."),
        ("X-Note: {Nots}", "line 2: Unknown parameter {Nots} at column 9. Did you mean {Note}?"),
        (
            "X-Note: {raw(Note)}",
            "line 2: raw(…) in a header value at column 10. Leave it out: nothing is encoded here.",
        ),
    ],
)
def test_a_bad_header_line_is_refused_with_its_number(line: str, message: str) -> None:
    assert fields_of(RequestTemplate("GET", URL, f"X-First: 1\n{line}\nX-Last: {{Oid}}")) == {"headers": [message]}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (RequestTemplate("GET", "  "), {"url": ["The URL is missing."]}),
        (RequestTemplate("PUT", URL), {"method": ["“PUT” is no method: choose GET or POST."]}),
        (
            RequestTemplate("POST", URL),
            {"body_format": ["A POST needs a body format: choose json, xml or querystring."]},
        ),
        (
            RequestTemplate("POST", URL, body_format="yaml"),
            {"body_format": ["“yaml” is no body format: choose json, xml or querystring."]},
        ),
        (post("json"), {"body": ["A POST needs pairs or a raw body."]}),
        (post("json", ("a", "1"), raw="{}"), {"body": ["Both pairs and a raw body are given: keep one."]}),
        (
            RequestTemplate("GET", URL, body_format="json", body_raw="{}"),
            {"body": ["A GET request has no body: choose POST, or take the body away."]},
        ),
        (
            RequestTemplate("GET", URL, body_format="json"),
            {"body_format": ["A GET request has no body: choose POST, or take the body away."]},
        ),
        (
            post("json", ("a", "1"), ("a", "2"), ("", "3"), ("{Oid}", "4")),
            {
                "body": [
                    "pair 2: The key “a” is given twice.",
                    "pair 3: The key is empty.",
                    "pair 4: The key “{Oid}” holds a placeholder; only values may.",
                ]
            },
        ),
        (
            post("xml", ("größe", "1"), ("1a", "2"), ("a b", "3"), ("a:b", "4"), ("a>", "5")),
            {
                "body": [
                    f"pair {number}: The key “{key}” is not a name that an XML element can have."
                    for number, key in ((2, "1a"), (3, "a b"), (4, "a:b"), (5, "a>"))
                ]
            },
        ),
    ],
)
def test_what_cannot_be_set_up_is_refused_on_its_field(
    template: RequestTemplate, expected: dict[str, list[str]]
) -> None:
    assert fields_of(template) == expected


def test_all_mistakes_are_reported_at_once_and_explained_with_carets() -> None:
    template = RequestTemplate("POST", f"{URL}?{{Oyd}}", "Nonsense", "json", (("a", "{lower(}"), ("b", "{Nots}")))
    with pytest.raises(RequestErrors) as caught:
        compile_request(template)
    assert list(caught.value.fields) == ["url", "headers", "body"]
    assert [len(messages) for messages in caught.value.fields.values()] == [1, 1, 2]
    assert caught.value.explain().startswith(
        "url:\n"
        "  https://partner.example/in?{Oyd}\n"
        "                             ^\n"
        "  Unknown parameter {Oyd} at column 28. Did you mean {Oid}?\n"
        "headers, line 1: Not “Name: value”: the colon is missing.\n"
        "body, key “a”:\n"
        "  {lower(}\n"
        "         ^\n"
    )


@pytest.mark.parametrize(
    ("template", "warning"),
    [
        (
            post("json", raw='{"Action Life Cycle", "id": {Payout}}'),
            "JSON: Expecting ':' delimiter at line 1, column 21.",
        ),
        (post("json", raw='{"id": 1{Payout}'), "JSON: Expecting ',' delimiter at line 1, column 13."),
        (post("json", raw="[NaN]"), "JSON: NaN is not JSON."),
        (post("xml", raw="<a>\n{Amount}<b></a>"), "XML: mismatched tag at line 2, column 12."),
        (post("xml", raw="<!DOCTYPE a [<!ENTITY x 'y'>]><a/>"), "XML: entity declarations are not expanded here."),
    ],
)
def test_a_body_that_is_ill_formed_with_sample_values_is_warned_about(template: RequestTemplate, warning: str) -> None:
    [found] = sample_warnings(template)
    assert found.labelled == f"body: Filled in with sample values, the body is not valid {warning}"
    assert compile_request(template).build(sample_values()).body


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ('{"id": -{Money1}}', "Expecting value at line 1, column 8."),
        ("{ {SharedId}: 1}", "Expecting property name enclosed in double quotes at line 1, column 3."),
    ],
)
def test_a_body_that_is_ill_formed_only_where_values_are_missing_is_warned_about(raw: str, complaint: str) -> None:
    [found] = sample_warnings(post("json", raw=raw))
    assert found.labelled == f"body: Where values are missing, the body is not valid JSON: {complaint}"


def test_odd_braces_are_warned_about_on_their_field() -> None:
    template = RequestTemplate("POST", URL, "X-A: 1\nX-B: {Oid", "querystring", (("a", "{ Oid }"), ("b", "{Oid}")))
    assert [(each.field, each.message) for each in sample_warnings(template)] == [
        (
            "headers",
            (
                "line 2: A { before Oid that opens no placeholder at column 6. "
                "A placeholder is written without spaces, and closed: {Oid}."
            ),
        ),
        (
            "body",
            (
                "key “a”: A { before Oid that opens no placeholder at column 1. "
                "A placeholder is written without spaces, and closed: {Oid}."
            ),
        ),
    ]
    assert compile_request(template).build({"Oid": "1"}).headers["X-B"] == "{Oid"


def test_a_well_formed_or_absent_body_is_not_warned_about() -> None:
    raw = """{"items":[{join(items, i, '{"sku":{i.sku},"qty":{i.qty}}', ',')}],"total":{Amount}}"""
    assert sample_warnings(post("json", raw=raw)) == []
    assert sample_warnings(post("querystring", raw="a={Oid}&&&")) == []
    assert sample_warnings(RequestTemplate("GET", URL)) == []
    body: Any = compile_request(post("json", raw=raw)).build(sample_values()).body
    assert json.loads(body)["items"][2] == {"sku": "RW87", "qty": 11}
