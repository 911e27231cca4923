"""What was converted, who reported it, and which files are being imported."""

from actions.models.actions import Action, ActionEvent, Item
from actions.models.early_changes import EarlyChange
from actions.models.imports import ImportPart, ImportRun
from actions.models.queued import QueuedReport
from actions.models.submissions import BatchPart, IdempotencyKey, Submission
from actions.models.tokens import ApiToken

__all__ = [
    "Action",
    "ActionEvent",
    "ApiToken",
    "BatchPart",
    "EarlyChange",
    "IdempotencyKey",
    "ImportPart",
    "ImportRun",
    "Item",
    "QueuedReport",
    "Submission",
]
