"""Where operators make links and revoke them."""

from portal.admin.admin import PartnerLinkAdmin

__all__ = ["PartnerLinkAdmin"]
