"""Keitaro: what it sends to traffic sources, and what its own postback URL takes."""

from postbacks.conversion.tables import Argument, Brackets, Macro, Network, left, page
from postbacks.conversion.wording import CLICK_VALUE, EXTERNAL_CLICK, OF_THE_TRACKER, OWN_CLICK, TIME_OF_CLICK

_STATUS = '{map(Status, "PENDING", "lead", "APPROVED", "sale", "REVERSED", "rejected")}'
_STATUS_MEANING = "lead: not confirmed, sale: confirmed, rejected: cancelled"
_COUNTRY = "The customer's country: its code, or with a language its name"
_REGION = "The customer's region: its code, or with a language its name"
_EARNED = "What the partner earns is written. If the receiver asks for what the customer paid, write {Amount}."
_TID = "An id of the conversion, which tells a further sale of the same click apart"


NETWORK = Network(
    "keitaro",
    "Keitaro",
    Brackets.BRACES,
    (
        page(
            "https://docs.keitaro.io/en/campaigns-and-streams/s2s-postback-placeholders.html",
            Macro("subid", "The id that Keitaro gave to the click", "{SubId1}", OWN_CLICK, click=True),
            Macro(
                "external_id", "The click's id in the traffic source's system", "{SubId1}", EXTERNAL_CLICK, click=True
            ),
            Macro("status", _STATUS_MEANING, _STATUS, argument=Argument.STATUSES),
            Macro("tid", "The transaction id", "{ActionId}"),
            Macro("revenue", "The conversion's revenue", "{Payout}", _EARNED),
            Macro("city", "The customer's city", "{RefCustomerCity}", argument=Argument.LANGUAGE),
            *(
                Macro(name, _COUNTRY, "{RefCustomerCountry}", argument=Argument.LANGUAGE)
                for name in ("country", "country_code")
            ),
            Macro("region", _REGION, "{RefCustomerRegion}", argument=Argument.LANGUAGE),
            Macro("ip", "The customer's IP address", "{IpAddressPlain}"),
            *(Macro(name, "The browser's user agent", "{UserAgent}") for name in ("user_agent", "ua", "useragent")),
            Macro("os", "The operating system", "{deviceOs}"),
            Macro("os_version", "The operating system's version", "{deviceOsVersion}"),
            Macro("device_brand", "The device's maker", "{deviceManuf}"),
            Macro("device_model", "The device's model", "{deviceModel}"),
            Macro("date", "The click's date, in a format of PHP", note=TIME_OF_CLICK),
            *left("country_name", "The customer's country by name", "The country's code is {RefCustomerCountry}."),
            *left("region_name", "The customer's region by name", "The region's code is {RefCustomerRegion}."),
            *left(
                "referrer referer",
                "The page that the click came from",
                "The domain without the page is {ReferringDomain}.",
            ),
            *left(
                "ad_campaign_id creative_id keyword source search_engine se",
                "A value of the traffic source's link",
                CLICK_VALUE,
            ),
            *left(
                "browser browser_version connection_type device_type is_bot is_using_proxy isp language operator "
                "carrier visitor_code",
                "A value of the click",
                CLICK_VALUE,
            ),
            *left(
                "cost profit current_domain destination from_file landing_id offer_id parent_campaign_id random sample "
                "traffic_source_name ts_id campaign_id keitaro_campaign_id campaign_name keitaro_campaign_name",
                "A value or setting of the tracker",
                OF_THE_TRACKER,
            ),
        ),
    ),
    (
        page(
            "https://docs.keitaro.io/en/conversions/postback.html",
            Macro("subid", "The id that Keitaro gave to the click", "{SubId1}", click=True),
            Macro("tid", _TID, "{ActionId}"),
            Macro("payout", "What the partner earns", "{Payout}"),
            Macro("revenue", "What the partner earns", "{Payout}"),
            Macro("status", _STATUS_MEANING, _STATUS),
            Macro("currency", "The currency of payout", "{PayoutCurrency}"),
            Macro("cost", "What the conversion cost the partner", note="Leave the parameter out."),
            *(
                Macro(
                    f"sub_id_{n}", "The partner's own value", note="Leave it out, or write what the partner asks for."
                )
                for n in range(1, 16)
            ),
        ),
    ),
    statuses={"lead": "PENDING", "sale": "APPROVED", "rejected": "REVERSED"},
    raw_prefix="_",
)
