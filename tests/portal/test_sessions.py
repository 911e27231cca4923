"""From a link to a session: exchanged at once, apart from the admin's, proven, and over with the link."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.core import mail
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from accounts.audit.words import history_of
from partners.models import Partner
from portal import links
from portal.models import PartnerLink, PortalSession, Tries
from portal.sessions import session, tries
from portal.sessions.window import window
from postbacks.models import Postback
from tests.portal.opened import make_link, opened, path_of, press, token_in

pytestmark = pytest.mark.django_db

CODE = re.compile(r"^(\d{6}) is the code")


def test_opening_leads_to_an_address_without_the_secret(link: PartnerLink) -> None:
    client = Client()

    answer = client.get(path_of(link))

    cookie = answer.cookies[session.COOKIE]
    assert (answer.status_code, answer.headers["Location"]) == (302, "/portal/")
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/portal/", "")
    assert client.get("/portal/").status_code == 200
    assert PartnerLink.objects.get().opened_at is not None


def test_a_link_is_not_used_up_by_programs_that_open_it(link: PartnerLink) -> None:
    scanner = Client()
    assert scanner.head(path_of(link)).status_code == 302
    assert not PortalSession.objects.exists()
    for _ in range(3):
        scanner.get(path_of(link))

    assert opened(link).get("/portal/").status_code == 200


def test_opening_begins_a_new_session_whatever_cookie_came_along(link: PartnerLink) -> None:
    client = Client()
    client.cookies[session.COOKIE] = "chosen-by-somebody"

    client.get(path_of(link))

    assert client.cookies[session.COOKIE].value != "chosen-by-somebody"
    fixed = Client()
    fixed.cookies[session.COOKIE] = "chosen-by-somebody"
    assert fixed.get("/portal/").status_code == 403


@pytest.mark.parametrize("what", ["revoked", "ended", "session ended", "left"])
def test_a_session_is_over_with_its_link(link: PartnerLink, visitor: Client, what: str) -> None:
    assert visitor.get("/portal/").status_code == 200
    before = timezone.now() - timedelta(seconds=1)
    if what == "revoked":
        links.revoke(link)
    elif what == "ended":
        PartnerLink.objects.update(ends_at=before)
    elif what == "session ended":
        PortalSession.objects.update(ends_at=before)
    else:
        press(visitor, "/portal/leave/")

    assert visitor.get("/portal/").status_code == 403
    assert Client().get(path_of(link)).status_code == (403 if what in ("revoked", "ended") else 302)


def test_a_password_is_asked_for_and_gives_the_session_another_secret(partner: Partner) -> None:
    client = opened(make_link(partner, password="four plain words here"))
    before = client.cookies[session.COOKIE].value

    assert client.get("/portal/").headers["Location"] == "/portal/enter/"
    assert client.get("/portal/deliveries/").headers["Location"] == "/portal/enter/"
    assert press(client, "/portal/enter/", "/portal/enter/", proof="four plain words").status_code == 403
    assert PartnerLink.objects.get().opened_at is None
    assert press(client, "/portal/enter/", "/portal/enter/", proof="four plain words here").url == "/portal/"

    assert client.get("/portal/").status_code == 200
    assert client.cookies[session.COOKIE].value != before
    assert "four" not in str(LogEntry.objects.values_list("changes", flat=True))


def test_a_code_is_sent_only_when_asked_for_and_is_good_once(partner: Partner) -> None:
    link = make_link(partner, email="ann@compass.example")
    client = opened(link)
    page = "/portal/enter/"
    assert "a…@compass.example" in client.get(page).content.decode()
    assert not mail.outbox

    press(client, page, page, send="1")

    found = CODE.match(str(mail.outbox[0].body))
    assert found
    assert mail.outbox[0].to == ["ann@compass.example"]
    wrong = f"{(int(found[1]) + 1) % 10**6:06}"
    assert press(client, page, page, proof=wrong).status_code == 403
    assert press(client, page, page, proof=found[1]).url == "/portal/"
    other = Client()
    other.get(path_of(link))
    assert press(other, page, page, proof=found[1]).status_code == 403


def test_a_code_ends_after_five_tries_and_ten_minutes(partner: Partner) -> None:
    client = opened(make_link(partner, email="ann@compass.example"))
    page = "/portal/enter/"
    press(client, page, page, send="1")
    code = CODE.match(str(mail.outbox[0].body))
    assert code
    for _ in range(5):
        press(client, page, page, proof="nothing")
    assert press(client, page, page, proof=code[1]).status_code == 403

    press(client, page, page, send="1")
    later = CODE.match(str(mail.outbox[1].body))
    assert later
    PortalSession.objects.update(code_until=timezone.now())
    assert press(client, page, page, proof=later[1]).status_code == 403


def test_guesses_of_links_are_locked_out_by_address(link: PartnerLink) -> None:
    client = Client()
    answers = [client.get("/portal/open/", {"link": f"guess-{number}"}).status_code for number in range(21)]

    assert answers == [403] * 20 + [429]
    assert client.get(path_of(link)).status_code == 429
    assert Client(REMOTE_ADDR="203.0.113.9").get(path_of(link)).status_code == 302


def test_guesses_of_a_password_are_locked_out_by_link_from_wherever_they_come(partner: Partner) -> None:
    link = make_link(partner, password="four plain words here")
    page = "/portal/enter/"
    answers = []
    for number in range(11):
        client = Client(REMOTE_ADDR=f"203.0.113.{number}")
        client.get(path_of(link))
        answers.append(press(client, page, page, proof="guess").status_code)

    assert answers == [403] * 10 + [429]
    client = Client(REMOTE_ADDR="203.0.113.99")
    client.get(path_of(link))
    assert press(client, page, page, proof="four plain words here").status_code == 429


def test_tries_count_anew_after_their_time() -> None:
    limit = tries.Limit("test of", 1, timedelta(minutes=5))
    assert [limit.allows("x"), limit.allows("x"), limit.is_reached("x")] == [True, False, True]

    Tries.objects.update(since=timezone.now() - timedelta(minutes=6))

    assert not limit.is_reached("x")
    assert limit.allows("x")


def test_the_admin_and_the_portal_know_nothing_of_each_other(
    root: Client, link: PartnerLink, postback: Postback
) -> None:
    admin_cookie = root.cookies["sessionid"].value
    root.get(path_of(link))

    answer = press(root, f"/portal/postbacks/{postback.pk}/pause/")
    assert answer.url.endswith("?done=paused")
    assert not {"sessionid", "csrftoken", "messages"} & set(answer.cookies)
    assert history_of(postback)[0].by == link.author  # And not the administrator.
    press(root, "/portal/leave/")
    assert root.cookies["sessionid"].value == admin_cookie
    assert root.get("/admin/").status_code == 200
    assert opened(link).get("/admin/").status_code == 302


@pytest.mark.parametrize("token", ["", "wrong", "of another session"])
def test_a_post_from_elsewhere_changes_nothing(
    link: PartnerLink, visitor: Client, postback: Postback, token: str
) -> None:
    if token == "of another session":
        token = token_in(opened(link).get("/portal/"))

    assert visitor.post(f"/portal/postbacks/{postback.pk}/pause/", {"token": token}).status_code == 403
    right = token_in(visitor.get("/portal/"))
    path = f"/portal/postbacks/{postback.pk}/pause/"
    assert visitor.post(path, {"token": right}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert visitor.post(path, {"token": right}, headers={"sec-fetch-site": "same-site"}).status_code == 403
    assert Postback.objects.get().paused_at is None


def test_nobody_may_frame_the_portal_unless_an_origin_is_set(visitor: Client, settings: Settings) -> None:
    answer = visitor.get("/portal/")
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]

    settings.PORTAL_FRAME_ORIGINS = ["https://partner.example"]
    for path in ("/portal/", "/portal/no-such-page/", "/portal/open/"):
        answer = visitor.get(path)
        assert "X-Frame-Options" not in answer.headers
        assert "frame-ancestors https://partner.example;" in answer.headers["Content-Security-Policy"] + ";"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert visitor.get("/admin/login/").headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in visitor.get("/admin/login/").headers["Content-Security-Policy"]


def test_in_a_frame_the_cookie_is_one_of_the_framing_page(link: PartnerLink, settings: Settings) -> None:
    settings.PORTAL_FRAME_ORIGINS = ["https://partner.example"]

    cookie = Client().get(path_of(link)).cookies[session.COOKIE].OutputString()

    for attribute in ("Partitioned", "SameSite=None", "Secure", "HttpOnly", "Path=/portal/"):
        assert attribute in cookie.split("; ")


def test_the_secret_is_in_no_log_and_no_error_report(
    link: PartnerLink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.DEBUG = True
    monkeypatch.setattr(links, "find", lambda _secret: 1 / 0)
    client = Client(raise_request_exception=False)

    with caplog.at_level(logging.DEBUG):
        answer = client.get(path_of(link))

    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.content.decode()
    secret = str(link.secret)  # type: ignore[attr-defined]  # set by `make_link`
    assert secret not in answer.content.decode()
    assert secret not in "\n".join(record.getMessage() + str(record.__dict__) for record in caplog.records)


@pytest.mark.parametrize("path", ["/portal/open/", "/portal/open"])
def test_the_secret_is_taken_out_of_the_request_before_anything_reads_it(path: str) -> None:
    seen = []

    def respond(request: HttpRequest) -> HttpResponse:
        seen.append((request.get_full_path(), dict(request.GET)))
        return HttpResponse()

    window(respond)(RequestFactory().get(path, {"link": "abc"}))

    assert seen == [("/portal/open/", {})]


def test_openings_are_in_the_history_of_the_link(link: PartnerLink, visitor: Client) -> None:
    assert ("Opened.", link.author) in [(each.what, each.by) for each in history_of(link)]
