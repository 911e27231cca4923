"""RedTrack: what it sends to partners, and what its own postback URL takes."""

from postbacks.conversion.tables import Brackets, Macro, Network, page
from postbacks.conversion.wording import EXTERNAL_CLICK, OWN_CLICK

_CLICK_ID = (
    "https://help.redtrack.io/knowledgebase/kb/basic-setup-9785/supported-dynamic-parameters/%d1%81lick-id-parameter/"
)

NETWORK = Network(
    "redtrack",
    "RedTrack",
    Brackets.BRACES,
    (
        page(
            "https://help.redtrack.io/knowledgebase/kb/basic-setup-9785/publisher-management/"
            "publisher-panel-settings-for-publisher/",
            Macro("ref_id", "The click's id in the partner's system", "{SubId1}", EXTERNAL_CLICK, click=True),
        ),
        page(_CLICK_ID, Macro("clickid", "The id that RedTrack gave to the click", "{SubId1}", OWN_CLICK, click=True)),
    ),
    (
        page(_CLICK_ID, Macro("clickid", "The id that RedTrack gave to the click", "{SubId1}", click=True)),
        page(
            "https://help.redtrack.io/knowledgebase/kb/conversion-tracking/tracking-event-types/",
            Macro(
                "type",
                "The conversion type, exactly as it is spelled in RedTrack",
                "{ActionTrackerName}",
                "RedTrack knows the conversion only if its type there is spelled like the event type here, upper and "
                "lower case included. Otherwise write its spelling.",
            ),
            Macro("rdtk_event_id", "An id of the order or transaction, by which repeats are recognised", "{ActionId}"),
        ),
    ),
)
