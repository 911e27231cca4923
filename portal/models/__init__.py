from portal.models.links import PartnerLink
from portal.models.proposals import Proposal
from portal.models.sessions import PortalSession, Tries

__all__ = ["PartnerLink", "PortalSession", "Proposal", "Tries"]
