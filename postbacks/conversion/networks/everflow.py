"""Everflow."""

from postbacks.conversion.tables import Brackets, Macro, Network, numbered, page
from postbacks.conversion.wording import NAME_HERE, NO_FURTHER_FIELD

_SUB = "What the partner put into sub%d of the link"
_ADV = "What the advertiser reported as adv%d"

NETWORK = Network(
    "everflow",
    "Everflow",
    Brackets.BRACES,
    (
        page(
            "https://helpdesk.everflow.io/en/articles/6173403-a-guide-to-parameters-and-macros",
            Macro("transaction_id", "The id that Everflow gave to the click", "{RefClickId}"),
            *numbered("sub%d", range(1, 4), _SUB, "{SubId%d}"),
            *numbered("sub%d", range(4, 11), _SUB, "", NO_FURTHER_FIELD),
            *numbered("adv%d", range(1, 11), _ADV, "{Text%d}"),
            Macro("payout_amount", "What the partner earns", "{Payout}"),
            Macro("sale_amount", "What the customer paid", "{Amount}"),
            Macro("event_name", "The event's name", "{ActionTrackerName}", NAME_HERE),
            Macro("order_id", "The order's id", "{Oid}"),
        ),
        page(
            "https://helpdesk.everflow.io/collaborator/managing-postbacks-as-a-partner",
            Macro("payout", "What the partner earns", "{Payout}"),
        ),
        page(
            "https://mrpostback.com/everflow/",
            Macro("event_id", "The event's id in Everflow", "{ActionTrackerId}", own_id=True),
            Macro(
                "adv_event_id",
                "The advertiser's id of the event; Everflow leaves it empty in a partner's postback",
                note="Leave the parameter out, or write {ActionTrackerId}.",
            ),
        ),
        page(
            "https://developers.everflow.io/api-reference/post-affiliatespixels",
            Macro(
                "revenue",
                "A revenue; the page does not say whose",
                note="What the partner earns is {Payout}, and what the customer paid {Amount}: ask the partner which "
                "it expects. What a network itself earns does not exist here.",
            ),
        ),
    ),
)
