"""The models of this app; Django looks for them here."""

from accounts.second_factor.model import SecondFactor

__all__ = ["SecondFactor"]
