"""The models of this app; Django looks for them here."""

from accounts.second_factor.model import SecondFactor
from accounts.time_zone.model import ChosenTimeZone

__all__ = ["ChosenTimeZone", "SecondFactor"]
