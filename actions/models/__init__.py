"""All models of the app; those of the API and of imports stand in their rooms. Django looks for them here."""

from actions.api.models import ApiToken, BatchPart, IdempotencyKey, Submission
from actions.imports.models import ImportPart, ImportRun
from actions.models.action import Action, Item
from actions.models.event import ActionEvent

__all__ = [
    "Action",
    "ActionEvent",
    "ApiToken",
    "BatchPart",
    "IdempotencyKey",
    "ImportPart",
    "ImportRun",
    "Item",
    "Submission",
]
