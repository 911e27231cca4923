"""Where operators make links and revoke them, and decide what partners propose."""

from portal.admin.admin import PartnerLinkAdmin
from portal.admin.proposals import ProposalAdmin
from portal.admin.section import links_section
from postbacks.admin.integrations.sections import add_section

__all__ = ["PartnerLinkAdmin", "ProposalAdmin"]

add_section(links_section)
