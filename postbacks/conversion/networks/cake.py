"""CAKE."""

from postbacks.conversion.tables import Brackets, Macro, Network, numbered, page
from postbacks.conversion.wording import CLICK_VALUE, NO_FURTHER_FIELD

_SUB = "What the partner put into s%d of the link"
_CLICK_IP = Macro("sourceip", "The IP address at the click", note=CLICK_VALUE)

NETWORK = Network(
    "cake",
    "CAKE",
    Brackets.HASHES,
    (
        page(
            "https://support.getcake.com/support/solutions/articles/5000545788",
            Macro("leadid", "The id that CAKE gave to the conversion", "{ActionId}"),
            Macro("affid", "The partner's id in CAKE", "{MediaPartnerId}", own_id=True),
            Macro("oid", "The offer's id in CAKE", "{CampaignId}", own_id=True),
            Macro(
                "campid",
                "The id of the partner's campaign for an offer",
                note="A partner and a program have no such id between them here. Write {CampaignId}, the program's, or "
                "leave the parameter out.",
            ),
            Macro("cid", "The creative's id in CAKE", "{AdId}", own_id=True),
            Macro("tid", "The transaction id that the advertiser reported", "{Oid}"),
            *numbered("s%d", range(1, 4), _SUB, "{SubId%d}"),
            *numbered("s%d", range(4, 6), _SUB, "", NO_FURTHER_FIELD),
            Macro("price", "What the partner earns", "{Payout}"),
            Macro("udid", "The device's unique id", "{deviceId}"),
            Macro("ip", "The IP address at the conversion", "{IpAddressPlain}"),
            _CLICK_IP,
            Macro("utcunixtime", "The conversion's time in Unix seconds", '{date(EventDate, "%s")}'),
            Macro(
                "sourcetime",
                "The conversion's time, as 2013-11-12T13:04:27.5670000",
                '{date(EventDate, "%Y-%m-%dT%H:%M:%S.%f0", "UTC")}',
                "The page does not name a time zone; UTC is written. Another is the last argument of date.",
            ),
        ),
        page(
            "https://support.getcake.com/support/solutions/articles/5000546376-affiliate-pixels-and-tracking",
            Macro("source_ip", _CLICK_IP.meaning, note=_CLICK_IP.note),
        ),
    ),
)
