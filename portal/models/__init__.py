from portal.models.links import PartnerLink

__all__ = ["PartnerLink"]
