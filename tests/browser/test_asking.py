"""How a receiver wants to be asked, as an operator types it: what the chosen kind has, and no secret comes back."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from playwright.sync_api import expect

from postbacks.credentials.secrets.cipher import decrypt
from tests.browser.actors import Role
from tests.browser.audit import axe, fits
from tests.browser.conftest import NARROW, WIDE, OpenAs
from tests.support.factories import make_media_source, make_postback, make_tracker
from tests.support.receiver import ScriptedReceiver
from tests.support.token_server import token_server
from value_types.secret_text import MASK

SECRET = "s3cret-of-the-client"


@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_oauth_is_set_up_tested_and_kept(open_as: OpenAs, settings: Any, width: int, dark: bool) -> None:
    settings.POSTBACKS_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    page = open_as(Role.OPERATOR, width=width, dark=dark)
    with ScriptedReceiver() as receiver, token_server() as tokens:
        postback = make_postback(make_tracker(), make_media_source(), url=f"{receiver.url}/in")
        page.goto(f"/admin/postbacks/postback/{postback.pk}/change/")
        page.get_by_text("Authentication and certificates").click()
        expect(page.get_by_label("Password")).to_be_hidden()
        page.get_by_label("Authentication").select_option("HTTP Basic")
        expect(page.get_by_label("Password")).to_be_visible()
        page.get_by_label("Authentication").select_option("OAuth 2.0 client credentials")
        expect(page.get_by_label("Password")).to_be_hidden()
        page.get_by_label("Token URL").fill(tokens.url)
        page.get_by_label("Client id", exact=True).fill("shop")
        page.get_by_label("Client secret", exact=True).fill(SECRET)
        expect(page.get_by_role("region", name="The request")).to_contain_text(f"Authorization: {MASK}")
        page.get_by_role("button", name="Send test").click()
        expect(page.get_by_text("The token server answered in")).to_be_visible()
        expect(page.get_by_text("Success: Status 200")).to_be_visible()
        assert receiver.arrivals[-1].headers["Authorization"] == "Bearer t0ken-number-1"
        axe(page)
        fits(page, width)
        page.get_by_role("button", name="Save", exact=True).click()
        page.goto(f"/admin/postbacks/postback/{postback.pk}/change/")
        expect(page.get_by_label("Client secret", exact=True)).to_have_value(MASK)
        assert SECRET not in page.content()
    postback.refresh_from_db()
    assert decrypt(postback.oauth_client_secret) == SECRET
