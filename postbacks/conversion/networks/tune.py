"""TUNE, which was HasOffers."""

from postbacks.conversion.tables import Brackets, Macro, Network, numbered, page
from postbacks.conversion.wording import NO_FURTHER_FIELD

_SUB = "What the partner put into aff_sub%d of the link"

NETWORK = Network(
    "tune",
    "TUNE",
    Brackets.BRACES,
    (
        page(
            "https://support.tune.com/hc/en-us/articles/1500005137081-Basics-of-Parameters-and-Macros",
            Macro("transaction_id", "The id that TUNE gave to the click", "{RefClickId}"),
            Macro("affiliate_id", "The partner's id in TUNE", "{MediaPartnerId}", own_id=True),
            Macro("amount", "What the customer paid", "{Amount}"),
        ),
        page(
            "https://support.tune.com/hc/en-us/articles/1500008248741-Passing-Values-to-a-Partner-Conversion-URL",
            Macro(
                "aff_click_id",
                "The click's id in the partner's system, from aff_click_id of the link",
                "{SharedId}",
                click=True,
            ),
        ),
        page(
            "https://help.tune.com/hasoffers/customizing-an-affiliate-tracking-link/",
            Macro("aff_sub", "What the partner put into aff_sub of the link", "{SubId1}"),
            *numbered("aff_sub%d", range(2, 4), _SUB, "{SubId%d}"),
            *numbered("aff_sub%d", range(4, 6), _SUB, "", NO_FURTHER_FIELD),
            Macro("source", "What the partner put into source of the link", note=NO_FURTHER_FIELD),
        ),
        page(
            "https://help.tune.com/hasoffers/customizing-a-conversion-link/",
            Macro("adv_sub", "What the advertiser reported as adv_sub", "{Text1}"),
            *numbered("adv_sub%d", range(2, 6), "What the advertiser reported as adv_sub%d", "{Text%d}"),
            *numbered(
                "adv_unique%d",
                range(1, 6),
                "What the advertiser reported as adv_unique%d",
                "",
                "Have it reported as one of Text1 to Text50 that adv_sub does not use, and write that.",
            ),
        ),
        page(
            "http://feedback.voluum.com/knowledgebase/articles/318683-postback-urls",
            Macro("payout", "What the partner earns", "{Payout}"),
        ),
    ),
)
