"""Where a page is: its group and entry in the navigation, the row, and what is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django import template
from django.db.models import Model
from django.urls import reverse
from django.utils.text import capfirst

from config.navigation import entries

register = template.Library()

# Pages that the navigation lists only by what they belong to.
_WITHIN: Final = {
    "partners_contractterm": "partners_contract",
    "partners_inappevent": "partners_actiontracker",
    "actions_actionevent": "actions_action",
}

_LONGEST: Final = 3


@dataclass(frozen=True, slots=True)
class Crumb:
    title: str
    link: str = ""


@register.simple_tag(takes_context=True)
def breadcrumbs(context: dict[str, Any]) -> list[Crumb]:
    """From the group in the navigation to the page itself; a long way goes without the group."""
    found = _way(context)
    return found[1:] if len(found) > _LONGEST else found


def _way(context: dict[str, Any]) -> list[Crumb]:
    opts, title = context.get("opts"), str(context.get("title") or "Dashboard")
    if opts is None:
        return [Crumb(_group_of(context["app_label"]) if context.get("app_label") else title)]
    owner = context.get("owner")
    if isinstance(owner, Model) and (opts.model_name == "postback" or isinstance(owner, opts.model)):
        found = _of_owner(context, owner, opts)
    else:
        row = context.get("original") or context.get("object")
        found = [*_of_list(context, opts), *([_of_row(row)] if isinstance(row, Model) else [])]
    if _says_more(context, title, found[-1]):
        found.append(Crumb(title))
    return found


@register.simple_tag(takes_context=True)
def lacks_heading(context: dict[str, Any]) -> bool:
    """Whether the page is one of Django's, which have no heading in their content. Forms below an owner have one."""
    return not context.get("owner") and any(context.get(name) for name in ("cl", "adminform", "object"))


@register.filter
def page_title(model: dict[str, Any]) -> str:
    """What the navigation calls the list of a model."""
    opts = model["model"]._meta  # noqa: SLF001 -- Django's documented interface
    name = f"admin:{opts.label_lower.replace('.', '_')}_changelist"
    return next((entry.title for _, entry in entries() if entry.page == name), capfirst(opts.verbose_name_plural))


def _group_of(app_label: str) -> str:
    return next((group for group, entry in entries() if entry.page.startswith(f"admin:{app_label}_")), "Pages")


def _of_list(context: dict[str, Any], opts: Any) -> list[Crumb]:
    name = f"{opts.app_label}_{opts.model_name}"
    user = context["request"].user
    for listed in (name, _WITHIN.get(name, "")):
        for group, entry in entries():
            if entry.page == f"admin:{listed}_changelist":
                link = reverse(entry.page) if user.has_perm(entry.permission) else ""
                own = [] if listed == name else [Crumb(capfirst(opts.verbose_name_plural))]
                return [Crumb(group), Crumb(entry.title, link), *own]
    return [Crumb(capfirst(opts.verbose_name_plural), reverse(f"admin:{name}_changelist"))]


def _of_owner(context: dict[str, Any], owner: Model, opts: Any) -> list[Crumb]:
    """A partner or network, then its postbacks, then one of them."""
    found = [*_of_list(context, owner._meta), _of_row(owner)]  # noqa: SLF001 -- Django's documented interface
    if not isinstance(owner, opts.model):
        kind, postback = context.get("owner_kind"), context.get("original")
        found += [Crumb(kind.title, context.get("owner_url", ""))] if kind else []
        found += [_of_row(postback)] if isinstance(postback, Model) else []
    return found


def _of_row(row: Model) -> Crumb:
    opts = row._meta  # noqa: SLF001 -- Django's documented interface
    name = str(getattr(row, "name", "") or row)
    return Crumb(name, reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=(row.pk,)))


def _says_more(context: dict[str, Any], title: str, last: Crumb) -> bool:
    """Whether the page's title is not said yet: forms of rows, and lists, are called as what they show."""
    if context.get("cl") or title.startswith(str(last.title)):  # As “Held destinations” with “Held”.
        return False
    return not (context.get("adminform") and context.get("original"))
