"""Where operators make links and revoke them, and decide what partners propose."""

from portal.admin.admin import PartnerLinkAdmin
from portal.admin.proposals import ProposalAdmin

__all__ = ["PartnerLinkAdmin", "ProposalAdmin"]
