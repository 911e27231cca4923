"""The tables of postbacks, deliveries, attempts, replays, tries, tokens, counts, health and the rest."""

from postbacks.models.access_token import AccessToken
from postbacks.models.delivery import Attempt, Delivery
from postbacks.models.lane import Lane
from postbacks.models.postback import MAX_DELAY_SECONDS, MAX_REQUESTS_PER_SECOND, Postback
from postbacks.models.pulse import Pulse
from postbacks.models.put_aside import PutAside
from postbacks.models.replay import Replay, ReplayItem
from postbacks.models.retention import KeptBack, Pruned
from postbacks.models.rollup import Rollup, Tally
from postbacks.models.saved_filter import SavedFilter
from postbacks.models.try_now import TryNow

__all__ = [
    "MAX_DELAY_SECONDS",
    "MAX_REQUESTS_PER_SECOND",
    "AccessToken",
    "Attempt",
    "Delivery",
    "KeptBack",
    "Lane",
    "Postback",
    "Pruned",
    "Pulse",
    "PutAside",
    "Replay",
    "ReplayItem",
    "Rollup",
    "SavedFilter",
    "Tally",
    "TryNow",
]
