"""Voluum: what it sends to traffic sources, and what its own postback URL takes."""

from postbacks.conversion.tables import Brackets, Macro, Network, numbered, page
from postbacks.conversion.wording import EXTERNAL_CLICK, OWN_CLICK

_WRITE = "Write the text that the partner asks for, or leave the parameter out."

NETWORK = Network(
    "voluum",
    "Voluum",
    Brackets.BRACES,
    (
        page(
            "https://doc.voluum.com/en/traffic_source_postback_url.html",
            Macro(
                "externalid", "The click's id in the traffic source's system", "{SubId1}", EXTERNAL_CLICK, click=True
            ),
        ),
        page(
            "https://doc.voluum.com/article/parameters-in-postback-urls",
            Macro("clickid", "The id that Voluum gave to the click", "{SubId1}", OWN_CLICK, click=True),
        ),
    ),
    (
        page(
            "https://doc.voluum.com/article/parameters-in-postback-urls",
            Macro("cid", "The id that Voluum gave to the click", "{SubId1}", click=True),
            Macro("payout", "The partner's revenue for the conversion", "{Payout}"),
        ),
        page(
            "https://doc.voluum.com/en/submitting_postback_url.html",
            Macro("txid", "An id of the conversion, unique for each", "{ActionId}"),
        ),
        page(
            "https://doc.voluum.com/en/tracking_conversions_postback.html",
            Macro("currency", "The currency of payout", "{PayoutCurrency}"),
            Macro("et", "The kind of event, as it is called in Voluum", note=_WRITE),
            *numbered("param%d", range(1, 6), "The partner's own value %d", "", _WRITE),
        ),
    ),
    raw_function="raw",
)
"""`{token:raw}` is of https://doc.voluum.com/article/token-functions; its other functions have no counterpart."""
