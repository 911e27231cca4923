"""A report that has been taken, on its way into the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actions.intake.reading import read_report
from actions.models import ApiToken
from actions.recording.submissions import MAX_ORDER_ID
from actions.reports.rejected import Rejected
from actions.reports.report import Report
from actions.reports.storable import clean


@dataclass(slots=True, eq=False)
class Taken:
    """One report, with its submission's id once it has one."""

    token: ApiToken
    kind: str
    received_at: datetime
    fields: Mapping[str, Any]
    report: Report | Rejected
    order_id: str = ""  # By which reports of one order find each other.
    id: int | None = None
    is_queued: bool = False

    @property
    def trace(self) -> str | None:
        """The mark of the request that brought it, if that is traced."""
        return self.report.trace if isinstance(self.report, Report) else None


def take(token: ApiToken, kind: str, fields: Mapping[str, Any], received_at: datetime) -> Taken:
    """The report that was received then. One that cannot be read is taken too, with its refusal."""
    report = read_report(kind, fields, token=token, received_at=received_at)
    order_id = clean(report.order_id)[:MAX_ORDER_ID] if isinstance(report, Report) else ""
    return Taken(token, kind, received_at, fields, report, order_id)
