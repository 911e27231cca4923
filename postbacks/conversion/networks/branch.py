"""Branch."""

from postbacks.conversion.tables import Brackets, Macro, Network, page
from postbacks.conversion.wording import CLICK_VALUE, CODE_HERE

_OWN = "Write the text that the receiver expects. The program is {CampaignId} and {CampaignName}."
_SINCE_TOUCH = tuple(
    Macro(f"{unit}_from_last_attributed_touch_to_event", f"The {unit} from the click to the event", note=CLICK_VALUE)
    for unit in ("days", "hours", "minutes", "seconds")
)

NETWORK = Network(
    "branch",
    "Branch",
    Brackets.EXPRESSIONS,
    (
        page(
            "https://help.branch.io/using-branch/docs/postback-macros-functions",
            Macro("name", "The event's name", "{EventCode}", CODE_HERE),
            Macro("event_timestamp", "The event's time, in Unix milliseconds", '{date(EventDate, "%Q")}'),
            Macro(
                "id",
                "The id that Branch gave to the event",
                "{DeliveryId}",
                "It is the same in each attempt, so that a receiver can recognise repeats by it.",
            ),
            Macro(
                "customer_event_alias", "The event's other name", note="The event type's name is {ActionTrackerName}."
            ),
            Macro("organization_id", "The brand's id in Branch", note=_OWN),
            Macro("organization_name", "The brand's name in Branch", note=_OWN),
            Macro("origin", "The system that attributed the event", note="Leave the parameter out."),
            Macro(
                "attributed",
                "1 for an attributed event, otherwise 0",
                note="A partner is sent only what it is credited with: write 1.",
            ),
            *_SINCE_TOUCH,
        ),
        page(
            "https://help.branch.io/using-branch/docs/tune-branch-mapped-fields",
            Macro("event_data.transaction_id", "The transaction's id", "{Oid}"),
            Macro(
                "last_attributed_touch_data.~advertising_partner_id",
                "The partner's id in Branch",
                "{MediaPartnerId}",
                own_id=True,
            ),
            Macro(
                "last_attributed_touch_data.~advertising_partner_name",
                "The name of the partner that the event is credited to",
                "{MediaPartnerName}",
            ),
            Macro("last_attributed_touch_data.~customer_ad_name", "The ad's name", note=CLICK_VALUE),
            Macro("last_attributed_touch_data.~customer_ad_set_name", "The ad set's name", note=CLICK_VALUE),
        ),
    ),
)
