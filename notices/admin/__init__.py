"""The pages of channels."""

from notices.admin.admin import ChannelAdmin

__all__ = ["ChannelAdmin"]
