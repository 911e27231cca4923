"""Binom: what it sends to traffic sources, and what its own postback URL takes."""

from postbacks.conversion.tables import Brackets, Macro, Network, left, page
from postbacks.conversion.wording import CLICK_VALUE, EXTERNAL_CLICK, OF_THE_TRACKER, OWN_CLICK, TIME_OF_CLICK

_STATUS_NOTE = "PENDING, APPROVED or REVERSED is written. For other words translate it with map."
_OWN = ("affiliate_network_id", "affiliate_network_name", "campaign", "campaign_id", "campaign_key", "campaign_name")


NETWORK = Network(
    "binom",
    "Binom",
    Brackets.BRACES,
    (
        page(
            "https://docs.binom.org/conv-to-source-v2.php",
            Macro("clickid", "The id that Binom gave to the click", "{SubId1}", OWN_CLICK, click=True),
            Macro(
                "externalid", "The click's id in the traffic source's system", "{SubId1}", EXTERNAL_CLICK, click=True
            ),
            Macro("cnv_status", "The conversion's status, in any words", "{Status}", _STATUS_NOTE),
            Macro("city", "The customer's city", "{RefCustomerCity}"),
            *left(" ".join(_OWN), "A setting of the tracker", OF_THE_TRACKER),
            *left("browser_name browser_version", "The browser", "The whole user agent is {UserAgent}."),
        ),
        page(
            "https://docs.binom.org/conv-to-source.php",
            Macro("cnv_currency", "The conversion's currency", "{PayoutCurrency}"),
            Macro("country_code", "The customer's country code", "{RefCustomerCountry}"),
            *left("cnv_status2", "A second status", "An action has one status here, {Status}."),
            *left("clickcost", "What the click cost", OF_THE_TRACKER),
            *left("country", "The customer's country by name", "The country's code is {RefCustomerCountry}."),
            *left("continent continent_code", "The customer's continent", CLICK_VALUE),
            Macro("date", "The click's date", note=TIME_OF_CLICK),
        ),
        page(
            "https://docs.binom.org/create-source.php",
            Macro(
                "external_id", "The click's id in the traffic source's system", "{SubId1}", EXTERNAL_CLICK, click=True
            ),
            Macro("device_brand", "The device's maker", "{deviceManuf}"),
            Macro("device_model", "The device's model", "{deviceModel}"),
            Macro("os_name", "The operating system", "{deviceOs}"),
            Macro("os_version", "The operating system's version", "{deviceOsVersion}"),
            *left(
                "user_id path_name rule_name trafficsource trafficsource_name domain lander",
                "A setting of the tracker",
                OF_THE_TRACKER,
            ),
            *left("referer", "The page that the click came from", "The domain without the page is {ReferringDomain}."),
            *left("time htime", "The click's time", TIME_OF_CLICK),
            *left("device_name resolution language", "The device", CLICK_VALUE),
        ),
    ),
    (
        page(
            "https://docs.binom.org/postback-url.php",
            Macro("cnv_id", "The id that Binom gave to the click", "{SubId1}", click=True),
            Macro("payout", "What the partner earns", "{Payout}"),
            Macro("cnv_status", "The conversion's status, in any words", "{Status}", _STATUS_NOTE),
            Macro(
                "cnv_status2", "A second status, in any words", note="Leave it out: an action has one status, {Status}."
            ),
            Macro("cnv_currency", "The currency of payout", "{PayoutCurrency}"),
        ),
    ),
)
