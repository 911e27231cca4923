"""In a browser: pages of the admin and of the API obey the policy, and a script that got into a page does not run."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenAs
from tests.browser.watch import expect as expect_problem

INSERT = """markup => { document.body.insertAdjacentHTML("beforeend", markup);
    for (const old of document.querySelectorAll("script.got-in")) {
        const made = document.createElement("script"); made.textContent = old.textContent; old.replaceWith(made);
    } }"""


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ("<script class='got-in'>window.ran = true</script>", r"inline script.*violates.*Content Security Policy"),
        ("<img src='data:,' onerror='window.ran = true'>", r"inline event handler.*violates.*Content Security Policy"),
        ("<img src='https://elsewhere.example/a.png'>", r"elsewhere.example/a.png( \(csp\))?$|violates.*img-src"),
    ],
)
def test_what_got_into_a_page_does_not_run(viewer_page: Page, markup: str, problem: str) -> None:
    expect_problem(viewer_page, problem)
    viewer_page.goto("/admin/")

    viewer_page.evaluate(INSERT, markup)
    viewer_page.wait_for_timeout(200)

    assert viewer_page.evaluate("window.ran === undefined")


def test_the_page_of_the_api_is_whole(open_as: OpenAs) -> None:
    page = open_as(None)
    page.goto("/api/docs")

    expect(page.locator("h1.title")).to_contain_text("Partner Postbacks API")
    page.locator(".opblock-summary").first.click()
    expect(page.locator(".opblock-body").first).to_be_visible()
