"""Adjust."""

from postbacks.conversion.tables import Brackets, Macro, Network, left, page
from postbacks.conversion.wording import CLICK_VALUE, GOOGLE_ID, NAME_HERE, OF_THE_TRACKER

_CALLBACKS = "https://help.adjust.com/en/article/event-callbacks"
_COST = "What the partner's ad cost is not known here. What the partner earns is {Payout}, in {PayoutCurrency}."


NETWORK = Network(
    "adjust",
    "Adjust",
    Brackets.BRACES,
    (
        page(
            _CALLBACKS,
            Macro("idfa", "The iOS advertising identifier", "{iosIfa}"),
            Macro("gps_adid", "Google's advertising id", note=GOOGLE_ID),
            Macro("idfv", "The iOS identifier for vendors", note=CLICK_VALUE),
            Macro("adid", "The device's id in Adjust", note=OF_THE_TRACKER),
            Macro("app_name", "The app's name", "{appName}"),
            Macro("event_name", "The event's name", "{ActionTrackerName}", NAME_HERE),
            Macro(
                "event",
                "The event's token in Adjust",
                "{EventCode}",
                "The in-app event's code here is written. Give it the token as its code, or translate it with map.",
            ),
            Macro("created_at", "The event's time, in Unix seconds", '{date(EventDate, "%s")}'),
            *left("tracker tracker_name", "The link in Adjust", OF_THE_TRACKER),
            Macro(
                "activity_kind",
                "What happened: click, install, event and so on",
                note="Write the word that the receiver expects: a postback fires for one event type, and "
                "{ActionEvent} says created, modified, reversed or restored.",
            ),
        ),
        page(
            "https://help.adjust.com/en/article/ad-revenue-callbacks",
            Macro(
                "revenue",
                "The revenue in cents",
                "{minor(Amount)}",
                "It is written in whole minor units of its currency: cents of USD, but yen of JPY.",
            ),
            Macro("revenue_float", "The revenue in whole units of its currency", "{Amount}"),
            Macro("currency", "The currency of revenue, as usd", "{lower(Currency)}"),
        ),
        page(
            "https://help.adjust.com/en/article/self-attributing-network-callbacks",
            *left("link_token link_name", "The link in Adjust", OF_THE_TRACKER),
        ),
        page(
            "https://help.adjust.com/en/article/ad-spend-callbacks",
            *left("cost_type cost_amount cost_currency reporting_cost cost_id_md5", "The ad's cost", _COST),
        ),
    ),
)
