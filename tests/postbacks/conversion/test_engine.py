"""What stands between brackets, what has no counterpart, and what is refused."""

import pytest

from postbacks.conversion.checked import Asked, ConversionError, convert
from postbacks.conversion.networks import NETWORKS


def url_of(network: str, query: str) -> str:
    return convert(Asked(f"https://partner.example/pb?{query}"), network).url.partition("?")[2]


@pytest.mark.parametrize(
    ("network", "query", "expected"),
    [
        pytest.param("everflow", "a=%7Bsub1%7D&b=%7bsub2%7d", "a={SubId1}&b={SubId2}", id="encoded-braces"),
        pytest.param("cake", "a=%23s1%23&b=x#s2#y", "a={SubId1}&b=x{SubId2}y", id="encoded-hashes"),
        pytest.param("appsflyer", "a=%28idfa%29&b=f(x)", "a={iosIfa}&b=f(x)", id="parentheses-and-text"),
        pytest.param("branch", "a=%24%7B%28id%29%21%7D&b=${id}", "a={DeliveryId}&b={DeliveryId}", id="expressions"),
        pytest.param("branch", "a=${(id)!'it\"s'}", 'a={default(DeliveryId, "it\\"s")}', id="fallback-with-a-quote"),
        pytest.param("voluum", "a={externalid:raw}", "a={raw(SubId1)}", id="raw-function"),
        pytest.param(
            "keitaro",
            "a=%7Bstatus%3Alead%3D0%20sale%3D1%20rejected%3D2%7D",
            'a={map(Status, "PENDING", "0", "APPROVED", "1", "REVERSED", "2")}',
            id="encoded-argument",
        ),
        pytest.param("keitaro", "a={country:}", "a={RefCustomerCountry}", id="empty-argument"),
        pytest.param("keitaro", "subid={subid}&x={external_id}", "subid={SubId1}&x={SubId1}", id="gap-named-as-macro"),
        pytest.param(
            "keitaro",
            "status={status:lead=a sale=b rejected=c}",
            'status={map(Status, "PENDING", "a", "APPROVED", "b", "REVERSED", "c")}',
            id="macro-says-more-than-the-gap",
        ),
        pytest.param(
            "binom", "cnv_id=&payout=&x={externalid}", "cnv_id={SubId1}&payout={Payout}&x={SubId1}", id="empty"
        ),
    ],
)
def test_marks_around_a_macro_and_inside_of_it(network: str, query: str, expected: str) -> None:
    assert url_of(network, query) == expected


@pytest.mark.parametrize(
    ("network", "macro", "advice"),
    [
        pytest.param("everflow", "{sub4}", "Text1", id="further-field"),
        pytest.param("everflow", "{revenue}", "does not say whose", id="other-money"),
        pytest.param("everflow", "{Sub1}", "did you mean {sub1}?", id="case"),
        pytest.param("everflow", "{clikc}", "Ask the partner", id="unknown"),
        pytest.param("everflow", "{payout_total}", "not among the macros that Everflow documents", id="unknown-money"),
        pytest.param("everflow", "{goal}", "Affise has one of this name", id="of-another-network"),
        pytest.param("keitaro", "{date:Y-m-d H:i:s,Europe/Kyiv}", "{date(EventDate,", id="time-of-the-click"),
        pytest.param("keitaro", "{status:lead=0 sale=1}", "Only {status:lead=… sale=… rejected=…}", id="part-of-a-map"),
        pytest.param("keitaro", "{country:en}", "a code, which is {RefCustomerCountry}", id="name-of-a-country"),
        pytest.param("voluum", "{externalid:hash}", "changes the value by “:hash”", id="function"),
        pytest.param("appsflyer", "(event_revenue_USD)", "if that is USD", id="in-dollars"),
        pytest.param("appsflyer", "(advertiserId)", "Google's advertising id", id="google-id"),
        pytest.param("branch", "<#if attributed>1<#else>0</#if>", "write 1", id="condition"),
        pytest.param("branch", "${id?upper_case}", "not among the macros", id="unknown-expression"),
        pytest.param("binom", "{campaign_id}", "Only Binom knows it", id="setting-of-the-tracker"),
    ],
)
def test_what_has_no_counterpart_stays_and_is_told(network: str, macro: str, advice: str) -> None:
    answer = convert(Asked(f"https://partner.example/pb?v={macro}"), network)
    assert answer.url == f"https://partner.example/pb?v={macro}"
    assert [each.written for each in answer.left] == [macro]
    assert advice in answer.left[0].advice
    assert answer.problems == {}, "what is left is not told twice"


def test_gaps_that_nobody_filled_in_are_told() -> None:
    answer = convert(Asked("http://track.example/postback?cid=#s2#&payout=#price#&txid=#tid#&et=OPTIONAL"), "cake")
    assert answer.url == "http://track.example/postback?cid={SubId2}&payout={Payout}&txid={Oid}&et=OPTIONAL"
    assert [each.written for each in answer.left] == ["OPTIONAL"]
    own = convert(Asked("http://track.example/postback?cid=REPLACE&et=OPTIONAL&param2={}"), "voluum")
    assert [each.written for each in own.left] == ["et=OPTIONAL", "param2={}"]


@pytest.mark.parametrize(
    ("network", "url", "said"),
    [
        ("everflow", " \n", "There is nothing to convert"),
        ("everflow", "https://partner.example/pb?a=1", "no macro of Everflow, and these are written {name}"),
        ("cake", "https://partner.example/pb?a={sub1}", "{sub1} is a macro of Everflow or Affise, and not of CAKE"),
        ("everflow", "https://partner.example/pb?a={sub1}&b=#s2#", "#s2# is a macro of CAKE"),
        ("everflow", "https://partner.example/pb?a={sub1}&b=(idfa)", "(idfa) is a macro of AppsFlyer"),
        ("everflow", "https://partner.example/pb?a={sub1}&b=${(id)!}", "${(id)!} is a macro of Branch"),
        (
            "everflow",
            "https://partner.example/pb?a={Payout}",
            "already has placeholders of Partner Postbacks: {Payout}",
        ),
        ("affise", 'https://partner.example/?a={map(Status, "PENDING", "2")}', "already has placeholders"),
        ("impact", "https://partner.example/pb?a={sub1}", "no placeholder of impact.com"),
        ("tune", f"https://partner.example/pb?a={{aff_sub}}{'x' * 9000}", "bytes; a template may have 8,192"),
        ("", "https://partner.example/pb?a={sub1}", "several networks: Everflow, Affise"),
        ("", "https://partner.example/pb?a={nothing_of_the_kind}", "No network documents all of its macros"),
        ("", "nonsense", "No network documents all of its macros"),
        ("", "", "There is nothing to convert"),
    ],
)
def test_what_cannot_be_converted_is_refused_with_a_reason(network: str, url: str, said: str) -> None:
    with pytest.raises(ConversionError) as refused:
        convert(Asked(url), network)
    assert said in str(refused.value)


def test_converting_twice_is_refused_whatever_the_network() -> None:
    for key, network in NETWORKS.items():
        macro = next(name for name, each in network.macros.items() if each.template and not each.argument.value)
        written = network.brackets.value.replace("name", macro)
        once = convert(Asked(f"https://partner.example/pb?v={written}"), key)
        assert once.translations
        with pytest.raises(ConversionError, match="already has placeholders"):
            convert(Asked(once.url), key)


@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("https://partner.example/pb?a={sub1}&b={payout_amount}", "everflow"),
        ("https://partner.example/pb?a={sub1}&b={status}", "affise"),
        ("https://partner.example/pb?a={aff_sub}", "tune"),
        ("https://partner.example/pb?a=#s2#", "cake"),
        ("https://partner.example/pb?a=(idfa)", "appsflyer"),
        ("https://partner.example/pb?a=${(name)!}", "branch"),
        ("https://partner.example/pb?a={idfa}", "adjust"),
        ("https://partner.example/postback?cid=REPLACE&payout=OPTIONAL&txid=OPTIONAL", "voluum"),
        ("https://partner.example/click.php?cnv_id={TOKEN}&payout={TOKEN}", "binom"),
        ("https://partner.example/postback?subid=REPLACE&status=REPLACE&payout=REPLACE", "keitaro"),
        ("https://partner.example/pb?a={Oid}", "impact"),
    ],
)
def test_a_network_is_guessed_where_its_macros_leave_no_doubt(url: str, network: str) -> None:
    answer = convert(Asked(url))
    assert (answer.network, answer.was_guessed) == (network, True)


def test_headers_and_bodies_are_translated_too() -> None:
    asked = Asked(
        "https://partner.example/{sub1}/pb",
        "X-Pay: {sum}\nX-Status: {status}",
        "json",
        '{"id": "{transactionid}", "a": {"paid": {order_sum}, "s": "{status}"}, "left": "{click_date}"}',
    )
    answer = convert(asked, "affise")
    status = '{map(Status, "APPROVED", "1", "PENDING", "2", "REVERSED", "3")}'
    assert answer.url == "https://partner.example/{SubId1}/pb"
    assert answer.headers == f"X-Pay: {{Payout}}\nX-Status: {status}"
    assert answer.body == f'{{"id": "{{Oid}}", "a": {{"paid": {{Amount}}, "s": "{status}"}}, "left": "{{click_date}}"}}'
    assert [each.written for each in answer.left] == ["{click_date}"]
    assert (answer.problems, answer.warnings) == ({}, ())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("no.scheme/{sub1}", "A URL begins with http:// or https://"),
        ("https://partner.example/pb#{sub1}", "fragment"),
        ("https://{sub1}.example/pb", "host"),
    ],
)
def test_the_result_is_checked_as_the_form_checks_it(url: str, said: str) -> None:
    problems = convert(Asked(url), "everflow").problems["url"]
    assert said in " ".join(problems)


def test_what_must_be_reported_is_told() -> None:
    answer = convert(Asked("https://p.example/?a={transaction_id}&b={aff_click_id}&c={aff_sub}&d={adv_sub2}"), "tune")
    text = " ".join(answer.conditions)
    assert "{RefClickId} is the id that your own link gives to a click" in text
    assert "the shop report it as SharedId" in text
    assert "write {SubId1} or {SubId2} or {SubId3} in place of {SharedId}" in text
    assert "{Text2}: empty unless the shop reports it" in text
    apps = convert(Asked("https://p.example/?a={idfa}"), "adjust").conditions
    assert apps[0] == "{iosIfa}: only events of mobile apps have it, where the app reports it."


@pytest.mark.parametrize(
    ("network", "query", "said"),
    [
        ("affise", "a={sum}", ["{Payout} is in {PayoutCurrency}: check", "set Event Trigger to “New actions only”"]),
        ("affise", "a={sum}&c={currency}&s={status}", []),
        ("adjust", "a={revenue}", ["{Amount} is in {Currency}: check", "set Event Trigger to “New actions only”"]),
        ("everflow", "a={sale_amount}&b={payout}", ["{Amount} is in", "{Payout} is in", "set Event Trigger"]),
    ],
)
def test_currencies_and_changes_are_to_be_checked(network: str, query: str, said: list[str]) -> None:
    found = convert(Asked(f"https://p.example/?{query}"), network).conditions
    assert len(found) == len(said)
    assert all(words in text for words, text in zip(said, found, strict=True))


def test_a_tracker_that_may_be_anybodys_is_told() -> None:
    own, outside = convert(Asked("https://p.example/?a={clickid}&b={externalid}"), "voluum").translations
    assert "If Voluum was yours, write {RefClickId}." in own.note
    assert "In a partner's own Voluum it is the id of the source behind the partner" in outside.note


def test_an_id_that_is_given_out_anew_is_told() -> None:
    (translation,) = convert(Asked("https://p.example/?a=#oid#"), "cake").translations
    assert "that of CAKE if you bring it in under its old number" in translation.note
    assert '{map(CampaignId, "1000", "old id")}' in translation.note


def test_a_long_input_is_converted_in_time() -> None:
    long = "https://partner.example/pb?a=" + "{sub1}-%7Bsub2%7D-" * 110
    assert convert(Asked(long), "everflow").url.count("{SubId2}") == 110
    assert convert(Asked("https://partner.example/pb?a={sub1}" + "%7Ba%3A" * 1100), "everflow").left == ()
