"""The screens of postbacks. Django looks here for the admin pages of the app."""

from postbacks.admin.deliveries.action_page import ActionWithDeliveriesAdmin
from postbacks.admin.deliveries.admin import DeliveryAdmin
from postbacks.admin.destinations.admin import LaneAdmin
from postbacks.admin.integrations.admin import MediaSourceWithPostbacksAdmin, PartnerWithPostbacksAdmin
from postbacks.admin.integrations.contract_admin import ContractWithFiguresAdmin
from postbacks.admin.postbacks.admin import PostbackAdmin
from postbacks.admin.replays.admin import ReplayAdmin

__all__ = [
    "ActionWithDeliveriesAdmin",
    "ContractWithFiguresAdmin",
    "DeliveryAdmin",
    "LaneAdmin",
    "MediaSourceWithPostbacksAdmin",
    "PartnerWithPostbacksAdmin",
    "PostbackAdmin",
    "ReplayAdmin",
]
