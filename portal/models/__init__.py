from portal.models.links import PartnerLink
from portal.models.proposals import Proposal

__all__ = ["PartnerLink", "Proposal"]
