"""What must be reported for a converted template to have its values, and what else to check. Pure."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from actions.reports.parameters import PARAMETERS, Carried
from postbacks.conversion.outcome import Translation
from postbacks.request.template.mentioned import mentioned_in

_SAYS_WHAT_HAPPENED: Final = frozenset({"Status", "ActionEvent"})
_FIELDS: Final = {"SubId1": "first", "SubId2": "second", "SubId3": "third"}


def conditions(translations: Iterable[Translation]) -> list[str]:
    """Sentences about what your links, the shop or the app must provide, about currencies, and about changes."""
    translations = list(translations)
    names = dict.fromkeys(name for each in translations for name in sorted(mentioned_in(each.template)))
    clicks = {name for each in translations if each.click for name in mentioned_in(each.template)}
    # `minor` asks for a currency without sending it.
    sent = {name for each in translations if "minor(" not in each.template for name in mentioned_in(each.template)}
    return [*_of_links(names, clicks), *_of_reports(names), *_of_money(names, sent), *_of_changes(names)]


def _of_links(names: Iterable[str], clicks: set[str]) -> Iterator[str]:
    for name in names:
        if name in _FIELDS:
            yield (
                f"{{{name}}} is what the partner puts into the {_FIELDS[name]} own field of your link. Your link must "
                f"keep it, and the shop report it as {name}."
            )
        elif name == "SharedId":
            yield (
                "{SharedId} is a further value that the partner puts into your link. Your link must keep it, and the "
                "shop report it as SharedId."
            )
        elif name == "RefClickId":
            yield (
                "{RefClickId} is the id that your own link gives to a click. Your link must give one, and the shop "
                "report it as ClickId."
            )
        if name in clicks:
            others = " or ".join(f"{{{each}}}" for each in (*_FIELDS, "SharedId") if each != name)
            yield (
                f"It must be the click's id in the partner's own system. If the partner puts that into another field, "
                f"write {others} in place of {{{name}}}."
            )


def _of_reports(names: Iterable[str]) -> Iterator[str]:
    links = (*_FIELDS, "SharedId", "RefClickId")
    reported = [name for name in names if PARAMETERS[name].carried is Carried.REPORTED and name not in links]
    apps = [name for name in names if PARAMETERS[name].carried is Carried.APPS]
    if reported:
        yield f"{_listed(reported)}: empty unless the shop reports it."
    if apps:
        yield f"{_listed(apps)}: only events of mobile apps have it, where the app reports it."


def _of_money(names: Iterable[str], sent: set[str]) -> Iterator[str]:
    """Where a sum goes out without its currency, the receiver takes it for the one that it knows."""
    for name in names:
        currency = PARAMETERS[name].currency
        if currency and currency not in sent:
            yield f"{{{name}}} is in {{{currency}}}: check that the receiver expects that currency, or send it along."


def _of_changes(names: Collection[str]) -> Iterator[str]:
    """Most networks send a conversion once; a receiver that is not told what happened takes a change for another."""
    if names and _SAYS_WHAT_HAPPENED.isdisjoint(names):
        yield (
            "Nothing in it tells a new action from a changed or reversed one: set Event Trigger to “New actions only”, "
            "or send {Status} or {ActionEvent} along."
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
