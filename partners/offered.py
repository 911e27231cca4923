"""What a list in the admin may be asked: what its page offers, and nothing else.

Django takes the name of any field in an address for a filter, and any lookup with it: a user who sees a list could ask
how many rows have an e-mail address that begins with an a, and read letter by letter what no page shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.filters import ListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import capfirst

if TYPE_CHECKING:  # Django's classes take type parameters only for the type checker.
    from django.contrib.admin import ModelAdmin as AnyModelAdmin
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.views import ChangeList

MOST_SEARCHED: Final = 200  # Characters of a search. Each word costs a condition for each field that is searched.
# What the filters of Django ask of a field: one of its values, a span of dates, whether there is a value.
_ASKED_OF_A_FIELD: Final = ("", "__exact", "__isnull", "__gte", "__lt", "__isempty")
_ASKED_OF_A_DATE: Final = ("__year", "__month", "__day")


def is_offered(model_admin: AnyModelAdmin[Any], lookup: str, request: HttpRequest) -> bool:
    """Whether a lookup could come from a filter, or from the dates, of this page."""
    dates = model_admin.date_hierarchy
    if dates and lookup in {f"{dates}{ask}" for ask in _ASKED_OF_A_DATE}:
        return True
    return any(lookup in _lookups(model_admin.model, each) for each in model_admin.get_list_filter(request))


class OfferedOnly(ChangeList):
    """A list that is filtered and ordered only in the ways that its page offers.

    Its title says what it shows, not what Django would have one do with it.
    """

    def __init__(self, request: HttpRequest, *args: Any, **options: Any) -> None:
        super().__init__(request, *args, **options)
        self.title = str(getattr(self.model_admin, "list_title", "") or capfirst(self.opts.verbose_name_plural))

    def get_filters(self, request: HttpRequest) -> Any:
        """Refuses what none of the filters has taken for itself: Django would hand it to the database as it is."""
        try:
            found = super().get_filters(request)
        except (OverflowError, ValueError) as error:  # A year or a day of the dates beyond those that there are.
            raise IncorrectLookupParameters(error) from error
        bounds = {f"{self.date_hierarchy}__gte", f"{self.date_hierarchy}__lt"}  # What a year or a day has become.
        for lookup in found[2]:
            if not self.date_hierarchy or lookup not in bounds:
                raise DisallowedModelAdminLookup(f"Filtering by {lookup} not allowed")
        return found

    def get_ordering_field(self, field_name: Any) -> Any:
        """Nothing for a column that cannot be clicked to order by it."""
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None


def _lookups(model: type[Model], list_filter: Any) -> Iterator[str]:
    if isinstance(list_filter, type) and issubclass(list_filter, ListFilter):
        yield getattr(list_filter, "parameter_name", "")
        return
    path: str = list_filter[0] if isinstance(list_filter, tuple | list) else list_filter
    field = get_fields_from_path(model, path)[-1]
    if field.is_relation and field.related_model is not None:
        target = field.target_field if hasattr(field, "target_field") else field.related_model._meta.pk  # noqa: SLF001 -- Django's documented interface
        yield f"{path}__{target.name}__exact"
        yield f"{path}__isnull"
        return
    for ask in _ASKED_OF_A_FIELD:
        yield path + ask
