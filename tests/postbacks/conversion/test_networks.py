"""Whole URLs as the networks' own pages show them, or made of all the macros that they list."""

import pytest

from actions.reports.parameters import sample_values
from postbacks.conversion.checked import Asked, convert
from postbacks.request.building import RequestTemplate, compile_request


def result(network: str, url: str) -> str:
    answer = convert(Asked(url), network)
    assert answer.problems == {}
    return answer.url


@pytest.mark.parametrize(
    ("network", "url", "expected"),
    [
        pytest.param(
            "everflow",
            "https://partner.example/pb?click_id={transaction_id}&sub={sub1}&pay={payout_amount}&sale={sale_amount}"
            "&event={event_name}&order={order_id}&adv={adv2}",
            "https://partner.example/pb?click_id={RefClickId}&sub={SubId1}&pay={Payout}&sale={Amount}"
            "&event={ActionTrackerName}&order={Oid}&adv={Text2}",
            id="everflow",
        ),
        pytest.param(
            "tune",
            "https://hasoffersdemo.go2cloud.org/aff_lsr?offer_id=1001&transaction_id={transaction_id}&amount={amount}",
            "https://hasoffersdemo.go2cloud.org/aff_lsr?offer_id=1001&transaction_id={RefClickId}&amount={Amount}",
            id="tune",
        ),
        pytest.param(
            "tune",
            "https://app.tracker.example/pb?click_id={aff_sub}&own={aff_click_id}&payout={payout}",
            "https://app.tracker.example/pb?click_id={SubId1}&own={SharedId}&payout={Payout}",
            id="tune-subs",
        ),
        pytest.param(
            "cake",
            "https://MyPostbackURL.com/?click_id=#s2#&affiliate=#s1#",
            "https://MyPostbackURL.com/?click_id={SubId2}&affiliate={SubId1}",
            id="cake",
        ),
        pytest.param(
            "cake",
            "https://partner.example/?click_id=#s2##s3#&t=#utcunixtime#&at=#sourcetime#",
            'https://partner.example/?click_id={SubId2}{SubId3}&t={date(EventDate, "%s")}'
            '&at={date(EventDate, "%Y-%m-%dT%H:%M:%S.%f0", "UTC")}',
            id="cake-long-value-and-times",
        ),
        pytest.param(
            "affise",
            "http://rocketcompany.go2cloud.org/aff_lsr?transaction_id={sub1}&status={status}&sum={sum}&cur={currency}"
            "&order={order_sum}&order_cur={order_currency}&at={date}&ts={timestamp}&action_id={transactionid}",
            "http://rocketcompany.go2cloud.org/aff_lsr?transaction_id={SubId1}"
            '&status={map(Status, "APPROVED", "1", "PENDING", "2", "REVERSED", "3")}&sum={Payout}&cur={PayoutCurrency}'
            '&order={Amount}&order_cur={Currency}&at={date(EventDate, "%Y-%m-%d %H:%M:%S", "UTC")}'
            '&ts={date(CreationDate, "%s")}&action_id={Oid}',
            id="affise",
        ),
        pytest.param(
            "voluum",
            "https://track.example/postback?cid={}&payout={}&txid={}&currency={}",
            "https://track.example/postback?cid={SubId1}&payout={Payout}&txid={ActionId}&currency={PayoutCurrency}",
            id="voluum-own-url",
        ),
        pytest.param(
            "voluum",
            "https://source.example/pb?click={externalid}",
            "https://source.example/pb?click={SubId1}",
            id="voluum-to-a-source",
        ),
        pytest.param(
            "redtrack",
            "http://your.dedicated.tracking.domain.com/postback?clickid={affiliate_network_parameter}&type=Deposit"
            "&rdtk_event_id={replace}",
            "http://your.dedicated.tracking.domain.com/postback?clickid={SubId1}&type=Deposit&rdtk_event_id={ActionId}",
            id="redtrack-own-url",
        ),
        pytest.param(
            "binom",
            "https://docs.binom.org/click.php?cnv_id={NETWORK_TOKEN}&payout={PAYOUT_TOKEN}&cnv_status={STATUS}",
            "https://docs.binom.org/click.php?cnv_id={SubId1}&payout={Payout}&cnv_status={Status}",
            id="binom-own-url",
        ),
        pytest.param(
            "keitaro",
            "https://adnetwork.com/postback?cid={external_id}&s={status:lead=0 sale=1 rejected=2}&ua={_user_agent}",
            "https://adnetwork.com/postback?cid={SubId1}"
            '&s={map(Status, "PENDING", "0", "APPROVED", "1", "REVERSED", "2")}&ua={raw(UserAgent)}',
            id="keitaro-to-a-source",
        ),
        pytest.param(
            "keitaro",
            "https://example.com/key/postback?subid=REPLACE&status=REPLACE&payout=REPLACE&currency=EUR",
            "https://example.com/key/postback?subid={SubId1}"
            '&status={map(Status, "PENDING", "lead", "APPROVED", "sale", "REVERSED", "rejected")}&payout={Payout}'
            "&currency=EUR",
            id="keitaro-own-url",
        ),
        pytest.param(
            "appsflyer",
            "https://partner.example/pb?IDFA=(idfa)&hash=(sha1-android-id)&country_code=(ip)&rev=(event_revenue)",
            "https://partner.example/pb?IDFA={iosIfa}&hash={androidIdSha1}&country_code={deviceIp}&rev={Amount}",
            id="appsflyer",
        ),
        pytest.param(
            "branch",
            "https://partner.example/pb?e=${(name)!}&t=${(event_timestamp)!}&o=${(event_data.transaction_id)!}"
            "&p=${(last_attributed_touch_data.~advertising_partner_name)!}",
            'https://partner.example/pb?e={EventCode}&t={date(EventDate, "%Q")}&o={Oid}&p={MediaPartnerName}',
            id="branch",
        ),
        pytest.param(
            "adjust",
            "https://serverendpoint.com/mobile_attribution?idfa={idfa}&app_name={app_name}&created_at={created_at}"
            "&event_name={event_name}&cents={revenue}&whole={revenue_float}&currency={currency}",
            "https://serverendpoint.com/mobile_attribution?idfa={iosIfa}&app_name={appName}"
            '&created_at={date(EventDate, "%s")}&event_name={ActionTrackerName}&cents={minor(Amount)}&whole={Amount}'
            "&currency={lower(Currency)}",
            id="adjust",
        ),
        pytest.param(
            "impact",
            "https://partner.example/pb?a={ActionId}&s={SharedId}",
            "https://partner.example/pb?a={ActionId}&s={SharedId}",
            id="impact",
        ),
    ],
)
def test_a_url_of_a_network_is_translated_whole(network: str, url: str, expected: str) -> None:
    assert result(network, url) == expected
    assert convert(Asked(url), network).left == ()


@pytest.mark.parametrize(
    ("network", "macro", "sent"),
    [
        ("affise", "{status}", "2"),
        ("affise", "{date}", "2026-11-20%2017%3A42%3A38"),
        ("affise", "{timestamp}", "1795196561"),
        ("affise", "{time}", "17%3A42%3A38"),
        ("cake", "#sourcetime#", "2026-11-20T17%3A42%3A38.0000000"),
        ("cake", "#utcunixtime#", "1795196558"),
        ("cake", "#price#", "7.91"),
        ("keitaro", "{status:lead=new+sale=ok+rejected=no}", "new"),
        ("keitaro", "{status}", "lead"),
        ("adjust", "{revenue}", "10723"),
        ("adjust", "{currency}", "usd"),
        ("branch", "${(event_timestamp)!}", "1795196558000"),
        ("branch", '${(last_attributed_touch_data.~advertising_partner_name)!"none"}', "Deal%20Compass"),
    ],
)
def test_a_value_goes_out_as_the_network_writes_it(network: str, macro: str, sent: str) -> None:
    url = result(network, f"https://partner.example/pb?v={macro}")
    request = compile_request(RequestTemplate("GET", url)).build(sample_values())
    assert request.url == f"https://partner.example/pb?v={sent}"
