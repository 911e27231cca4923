"""AppsFlyer."""

from postbacks.conversion.tables import Brackets, Macro, Network, page
from postbacks.conversion.wording import CLICK_VALUE, CODE_HERE, GOOGLE_ID

_MACROS = "https://support.appsflyer.com/hc/en-us/articles/207273946-Postback-macros-for-ad-networks"
_SPELLING = (
    "The hash is of the identifier in %s, as most receivers hash it. Ask the receiver which spelling it expects."
)
_INSTALL = (
    'The time of the install is known only where it is an event of its own; the event\'s is {date(EventDate, "%s")}.'
)

NETWORK = Network(
    "appsflyer",
    "AppsFlyer",
    Brackets.PARENTHESES,
    (
        page(
            _MACROS,
            Macro("idfa", "The iOS advertising identifier", "{iosIfa}"),
            Macro("sha1-idfa", "SHA-1 of it", "{iosIfaSha1}", _SPELLING % "upper case with hyphens"),
            Macro("android-id", "The Android id", "{androidId}"),
            Macro("sha1-android-id", "SHA-1 of it", "{androidIdSha1}", _SPELLING % "lower case"),
            Macro("advertiserId", "Google's advertising id", note=GOOGLE_ID),
            Macro(
                "sha1-advertiserId",
                "SHA-1 of Google's id",
                note=f"{GOOGLE_ID} Its hash is {{sha1(Text1)}}.",
            ),
            Macro("app-id", "The app's id", "{appPackage}"),
            Macro("ip", "The IP address of the device", "{deviceIp}"),
            Macro("wifi", "Whether the device used Wi-Fi", note=CLICK_VALUE),
            Macro("install-unix-ts", "The time of the install, in Unix seconds", note=_INSTALL),
            Macro("click-ts", "The time of the click", note="The time of the click is not kept."),
            Macro(
                "campaign",
                "The campaign's name in the link",
                note="Have it reported as one of Text1 to Text50, and write that. The program is {CampaignName}.",
            ),
        ),
        page(
            "https://support.appsflyer.com/hc/en-us/articles/360016751637-Postback-macros-for-analytics-partners",
            Macro("event_name", "The event's name", "{EventCode}", CODE_HERE),
            Macro("event_revenue", "The event's value in the currency of event_revenue_currency", "{Amount}"),
            Macro("event_revenue_currency", "The currency of event_revenue", "{Currency}"),
            Macro(
                "event_revenue_USD",
                "The event's value in USD",
                note="Amounts are not converted for a receiver. {Amount} is in {Currency}, your account's currency: if "
                "that is USD, write {Amount}.",
            ),
            Macro(
                "event_time",
                "The event's time",
                note="The page does not say in which format. Ask the receiver, and write it as in "
                '{date(EventDate, "%Y-%m-%d %H:%M:%S", "UTC")}.',
            ),
            Macro(
                "event_value",
                "All values of the event as JSON",
                note="Write the values that the receiver needs, in the JSON that it expects.",
            ),
        ),
    ),
)
