"""Setting up where operators are told, and testing it."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network

import pytest
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import Settings

from notices.models import Channel, Message
from notices.saying.content import of_test
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.browser.pictures import screenshot
from tests.support.factories import make_program
from tests.support.receiver import Response, ScriptedReceiver
from value_types.secret_text import MASK


@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_a_slack_channel_is_added_and_tested(open_as: OpenAs, settings: Settings, width: int, dark: bool) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    make_program(name="Summit")
    page = open_as(Role.ADMINISTRATOR, width=width, dark=dark)
    with ScriptedReceiver(lambda _: Response(404, "no_service")) as slack:
        page.goto("/admin/notices/channel/add/")
        page.get_by_label("Name").fill("Operators in Slack")
        page.get_by_label("Kind").select_option("Slack")
        page.get_by_label("Address").fill(f"{slack.url}/services/T0001/s3cr3t")
        page.get_by_label("Nothing came in").check()
        page.get_by_label("Daily digest").select_option("at 08:00")
        axe(page)
        fits(page, width)
        page.get_by_role("button", name="Save and continue editing").click()
        expect(page.get_by_label("Address")).to_have_value(MASK)
        assert "s3cr3t" not in page.content()

        page.get_by_role("button", name="Send test").click()
        expect(page.get_by_text("The test did not get through. Answered 404: no_service")).to_be_visible()
        slack.script = lambda _: Response(200, "ok")
        page.get_by_role("button", name="Send test").click()
        expect(page.get_by_text("The test was sent. Answered 200: ok")).to_be_visible()
        assert len(slack.arrivals) == 2
    channel = Channel.objects.get()
    now = timezone.now()
    for minutes, told in ((90, True), (5, False)):
        Message.objects.create(
            channel=channel,
            content={**of_test("x"), "title": "3 notices: Held 2, Failing 1"},
            made_at=now - timedelta(minutes=minutes),
            next_try_at=now,
            tries=1 + 2 * (not told),
            told=told,
            ended_at=now if told else None,
        )
    page.reload()
    expect(page.get_by_label("Address")).to_have_value(MASK)
    expect(page.get_by_role("region", name="Latest messages")).to_contain_text("tried 3 times")
    axe(page)
    fits(page, width)
    if not dark:
        screenshot(page, "channel")
    page.goto("/admin/notices/channel/")
    expect(page.get_by_role("row", name="Operators in Slack")).to_contain_text("Works")
