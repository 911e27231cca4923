"""Affise."""

from postbacks.conversion.tables import Brackets, Macro, Network, numbered, page
from postbacks.conversion.wording import CLICK_VALUE, NAME_HERE, NO_FURTHER_FIELD, NO_ZONE, TIME_OF_CLICK

_SUB = "What the partner put into sub%d of the link"
_FIELD = "What was reported as custom_field%d"

NETWORK = Network(
    "affise",
    "Affise",
    Brackets.BRACES,
    (
        page(
            "https://help-center.affise.com/en/articles/6483741-affiliate-postback-url-macros",
            *numbered("sub%d", range(1, 4), _SUB, "{SubId%d}"),
            *numbered("sub%d", range(4, 9), _SUB, "", NO_FURTHER_FIELD),
            Macro("transactionid", "The conversion's id in the advertiser's system", "{Oid}"),
            Macro(
                "status",
                "1 approved, 2 pending, 3 declined, 5 on hold",
                '{map(Status, "APPROVED", "1", "PENDING", "2", "REVERSED", "3")}',
                "5 is never sent: an action on hold is pending here.",
            ),
            Macro("sum", "What the partner earns", "{Payout}"),
            Macro("currency", "The currency of what the partner earns", "{PayoutCurrency}"),
            Macro("order_sum", "The conversion's price", "{Amount}"),
            Macro("order_currency", "The currency of the conversion's price", "{Currency}"),
            Macro(
                "goal",
                "The offer's goal",
                "{ActionTrackerName}",
                'The event type\'s name is written. For goals that are numbers, as in {map(ActionTrackerName, "Sale", '
                '"1")}, translate it.',
            ),
            Macro(
                "date",
                "The conversion's date and time",
                '{date(EventDate, "%Y-%m-%d %H:%M:%S", "UTC")}',
                NO_ZONE,
            ),
            Macro("time", "The conversion's time of day", '{date(EventDate, "%H:%M:%S", "UTC")}', NO_ZONE),
            Macro("date_only", "The conversion's date", '{date(EventDate, "%Y-%m-%d", "UTC")}', NO_ZONE),
            Macro("timestamp", "When the conversion was created, in Unix seconds", '{date(CreationDate, "%s")}'),
            Macro("click_date", "The click's date and time", note=TIME_OF_CLICK),
            Macro("offerid", "The offer's id in Affise", "{CampaignId}", own_id=True),
            Macro("offer_name", "The offer's title", "{CampaignName}", NAME_HERE),
            Macro("promo_code", "The promo code", "{PromoCode}"),
            Macro("comment", "A comment", "{Note}"),
            Macro(
                "rand",
                "A unique number, a UUID",
                "{DeliveryId}",
                "The same in each attempt, so that a receiver can recognise repeats by it.",
            ),
            *numbered("custom_field%d", range(1, 8), _FIELD, "{Text%d}"),
            *numbered("custom_field_%d", range(1, 8), _FIELD, "{Text%d}"),
            Macro("uagent", "The browser's user agent", "{UserAgent}"),
            Macro("ip", "The customer's IP address", "{IpAddressPlain}"),
            Macro("city", "The customer's city", "{RefCustomerCity}"),
            Macro("geo", "The customer's country code", "{RefCustomerCountry}"),
            Macro("os", "The operating system", "{deviceOs}"),
            Macro("device_type", "The kind of device", note=CLICK_VALUE),
            Macro(
                "referrer",
                "The page that the click came from",
                note="The domain without the page is {ReferringDomain}.",
            ),
            Macro("fbclid", "Facebook's click id", note=CLICK_VALUE),
            Macro(
                "user_id",
                "A user's id",
                note="The customer's id in the shop is {CustomerId}. What the partner put into the link is in {SubId1} "
                "to {SubId3} and {SharedId}.",
            ),
            Macro("ref_id", "A further value of the link", note=NO_FURTHER_FIELD),
            Macro("os_id", "A further value of the link", note=NO_FURTHER_FIELD),
            *(Macro(f"ext{n}", "A further value of the link", note=NO_FURTHER_FIELD) for n in range(1, 4)),
        ),
    ),
)
