"""What every page must be: accessible, by axe-core, and no wider than its window."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

_FAILING = ("serious", "critical")
_SHOWN_PLACES = 5
# axe-core's own choice of rules, without those of less weight: they fail no test. What is sound would take longer to
# send than to find.
_RUN = """([options, failing]) => {
    const {rules: all, tagExclude} = axe._audit;
    const rules = all.filter(each =>
        each.enabled && failing.includes(each.impact) && !each.tags.some(tag => tagExclude.includes(tag)));
    return axe.run({...options, runOnly: {type: "rule", values: rules.map(each => each.id)}})
        .then(said => said.violations);
}"""
_OPTIONS = {
    "resultTypes": ["violations"],
    "preload": False,  # Of style sheets, which no rule needs that is on, and of sounds, which no page has.
}
_axe = Axe()


def axe(page: Page) -> None:
    """Fails the test if axe-core finds a serious or critical violation on the page as it is now."""
    page.evaluate("() => Promise.all(document.getAnimations().map(each => each.finished.catch(() => null)))")
    page.evaluate(_axe.axe_script)
    found = [_described(each) for each in page.evaluate(_RUN, [_OPTIONS, _FAILING]) if each["impact"] in _FAILING]
    assert not found, f"{page.url} is not accessible:\n" + "\n".join(found)


def fits(page: Page, width: int) -> None:
    """Fails the test if the page, once it is there, is wider than its window."""
    # An expectation waits while a click still replaces the page; a script would run in either page, or in none.
    expect(page.locator("html")).to_have_js_property("scrollWidth", width)


def _described(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"]
    lines = [f"{violation['impact']}: {violation['help']} ({violation['id']}), {len(nodes)} times"]
    for node in nodes[:_SHOWN_PLACES]:
        summary = " ".join(node.get("failureSummary", "").split())
        lines += [f"    {' '.join(map(str, node['target']))}", f"        {summary[:300]}"]
    return "\n".join(lines)
