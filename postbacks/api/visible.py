"""The rows that a token sees: those of its programs. What it does not see is answered like what does not exist."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from actions.intake.reading import programs_of
from actions.models import ApiToken
from optimize_sources.models import MediaSource
from partners.ids import row_of
from partners.models import ActionTracker, Contract, Partner
from postbacks.api.refusals import no_such
from postbacks.models import Delivery, Postback

# Which transaction wrote the row, and where: each change of a postback gives it another version.
_VERSION = "postbacks_postback.xmin::text || translate(postbacks_postback.ctid::text, '(,)', '-.')"


def trackers_of(token: ApiToken) -> QuerySet[ActionTracker]:
    programs = programs_of(token)
    return ActionTracker.objects.all() if programs is None else ActionTracker.objects.filter(program__in=programs)


def postbacks_of(token: ApiToken) -> QuerySet[Postback]:
    """Those that are not deleted, with what is shown of them and their `version`."""
    programs = programs_of(token)
    found = Postback.objects.existing().annotate(version=RawSQL(_VERSION, ()))  # noqa: S611 -- a constant
    found = found.select_related("partner", "media_source", "action_tracker", "in_app_event", "lane")
    return found if programs is None else found.filter(action_tracker__program__in=programs)


def deliveries_of(token: ApiToken) -> QuerySet[Delivery]:
    """Those of which neither the postback nor the action is of another program."""
    programs = programs_of(token)
    if programs is None:
        return Delivery.objects.all()
    return Delivery.objects.filter(postback__action_tracker__program__in=programs, action__program__in=programs)


def partners_of(token: ApiToken) -> QuerySet[Partner]:
    """The partners that have a contract with its programs."""
    programs = programs_of(token)
    if programs is None:
        return Partner.objects.all()
    return Partner.objects.filter(pk__in=Contract.objects.filter(program__in=programs).values("partner"))


def contracts_of(token: ApiToken) -> QuerySet[Contract]:
    programs = programs_of(token)
    return Contract.objects.all() if programs is None else Contract.objects.filter(program__in=programs)


def owner_of(token: ApiToken, kind: str, key: int) -> Partner | MediaSource | None:
    """The partner or network of this id. A network belongs to no program, so each token may name it."""
    if kind == "partner":
        return partners_of(token).filter(pk=key).first()
    return MediaSource.objects.filter(pk=key).first()


def the(rows: QuerySet[Any], what: str, key: str) -> Any:
    """The row of this id. Raises RefusedError if there is none."""
    found = row_of(rows, key)
    if found is None:
        raise no_such(what, key)
    return found


def named(rows: QuerySet[Any], **wanted: Any) -> QuerySet[Any]:
    """The rows that these filters leave; None filters nothing."""
    return rows.filter(Q(**{name: value for name, value in wanted.items() if value is not None}))
