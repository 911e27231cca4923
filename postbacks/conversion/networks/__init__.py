"""The tables, one module a network."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from postbacks.conversion.networks import (
    adjust,
    affise,
    appsflyer,
    binom,
    branch,
    cake,
    everflow,
    keitaro,
    redtrack,
    tune,
    voluum,
)
from postbacks.conversion.tables import Network

NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {
        each.NETWORK.key: each.NETWORK
        for each in (everflow, tune, cake, affise, voluum, redtrack, binom, keitaro, appsflyer, branch, adjust)
    }
)
"""All networks by key, in the order in which they are offered."""

IMPACT: Final = "impact"
"""The key under which a template in our own language is checked: impact.com's names are ours."""
