"""From notices to messages: once, in the order of time, at growing intervals, each channel for itself."""

from __future__ import annotations

import itertools
import json
import socket
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import IPv4Network
from typing import Any

import pytest
import responses
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from notices.events import Event
from notices.models import Channel, Message, Notice
from notices.sending import rounds
from notices.sending.delivering import deliver, interval, waiting
from notices.sending.gathering import gather
from notices.sending.rounds import go_round
from notices.telling import News, tell
from postbacks.credentials.secrets.cipher import encrypt
from postbacks.credentials.secrets.rotation import rotate_secrets
from postbacks.models import Lane, Postback
from tests.support.channels import SLACK_URL, make_channel
from tests.support.factories import make_partner, make_postback, make_tracker
from tests.support.receiver import Hang, Response, ScriptedReceiver

DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("no_pages")


def say(number: int = 1, event: Event = Event.IMPORT) -> None:
    tell(News(event, f"thing:{number}", f"Thing {number}", "It happened.", "/admin/"))


def posted() -> list[Any]:
    return [json.loads(call.request.body or b"")["text"] for call in responses.calls]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`later(minutes=2)`: the database's clock goes on."""
    at = [timezone.now()]
    monkeypatch.setattr("notices.clock.now", lambda: at[0])

    def move(**delta: float) -> datetime:
        at[0] += timedelta(**delta)
        return at[0]

    return move


@pytest.mark.django_db
@responses.activate
def test_what_was_told_is_not_told_again(later: Any) -> None:
    responses.post(SLACK_URL, body="ok")
    make_channel()
    say()
    assert [go_round(), go_round()] == [1, 0]
    later(minutes=10)
    assert go_round() == 0
    assert posted() == ["Thing 1"]


@pytest.mark.django_db
@responses.activate
def test_a_storm_is_one_message_a_minute(later: Any) -> None:
    """Fifty destinations are held at once, in two parts: what comes within the minute waits for its end."""
    responses.post(SLACK_URL, body="ok")
    make_channel()
    tracker, partner = make_tracker(), make_partner()
    now = later()
    lanes = [Lane(postback=make_postback(tracker, partner), held_since=now, probe_at=now) for _ in range(50)]
    Lane.objects.bulk_create(lanes)
    some = Lane.objects.order_by("pk").values_list("pk", flat=True)[:20]
    Lane.objects.filter(pk__in=list(some)).update(notice=Lane.Notice.HELD)
    go_round()
    Lane.objects.filter(noticed_at=None).update(notice=Lane.Notice.HELD)
    later(seconds=30)
    go_round()
    assert posted() == ["20 notices: Held 20"]
    later(seconds=31)
    go_round()
    later(minutes=2)
    go_round()
    assert posted() == ["20 notices: Held 20", "30 notices: Held 30"]


@pytest.mark.django_db
@responses.activate
def test_one_that_fails_is_tried_at_growing_intervals_for_a_day_and_shown_as_failing(later: Any) -> None:
    responses.post(SLACK_URL, status=404, body="no_service")
    channel = make_channel()
    say()
    begin = later()
    go_round()
    tries = [begin]
    while (message := Message.objects.get()).ended_at is None:
        now = later(seconds=(message.next_try_at - tries[-1]).total_seconds() - 1)
        assert waiting(now) == [], "not before its time"
        tries.append(later(seconds=1))
        (due,) = waiting(tries[-1])
        deliver(due, tries[-1])
    gaps = [round((after - before).total_seconds() / 60) for before, after in itertools.pairwise(tries)]
    assert gaps[:6] == [1, 2, 4, 8, 16, 32]
    assert set(gaps[6:]) == {60}
    assert DAY < tries[-1] - begin <= DAY + timedelta(hours=1)
    channel.refresh_from_db()
    since = channel.failing_since
    assert since is not None
    assert since < begin + timedelta(minutes=2)
    assert channel.last_answer == "Answered 404: no_service"
    assert not Message.objects.get().told

    responses.replace(responses.POST, SLACK_URL, body="ok")
    say(2)
    Notice.objects.filter(message=None).update(at=later())
    go_round()
    after = Channel.objects.get()
    assert (after.failing_since, after.last_answer) == (None, "Answered 200: ok")
    assert posted()[-1] == "Thing 2"


@pytest.mark.django_db
@responses.activate
def test_what_comes_while_a_channel_fails_follows_in_one_message(later: Any) -> None:
    responses.post(SLACK_URL, status=500)
    make_channel()
    say(1)
    go_round()
    for number in (2, 3):
        say(number)
    responses.replace(responses.POST, SLACK_URL, body="ok")
    for _ in range(6):
        later(minutes=1)
        go_round()
    assert posted() == ["Thing 1", "Thing 1", "2 notices: Import ended 2"]


@pytest.mark.django_db
@responses.activate
def test_two_processes_do_not_send_the_same(later: Any) -> None:
    responses.post(SLACK_URL, body="ok")
    channel = make_channel()
    say()
    now = later()
    assert gather(channel.pk, now) is not None
    assert gather(channel.pk, now) is None
    (mine,), (theirs,) = waiting(now), waiting(now)
    assert deliver(mine, now) is not None
    assert deliver(theirs, now) is None
    assert len(responses.calls) == 1


@pytest.mark.django_db
@responses.activate
def test_a_process_that_dies_while_it_sends_leaves_the_message_to_a_later_try(
    later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses.post(SLACK_URL, body="ok")
    make_channel()
    say()

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("notices.sending.delivering.post", die)
        with pytest.raises(SystemExit):
            go_round()
    assert go_round() == 0, "the other may still be sending"
    later(minutes=2)
    assert go_round() == 1


@pytest.mark.django_db
def test_intervals_double_up_to_an_hour() -> None:
    assert [interval(tries).total_seconds() / 60 for tries in (1, 2, 3, 6, 7, 8, 1000)] == [1, 2, 4, 32, 60, 60, 60]


@pytest.mark.django_db
@responses.activate
def test_a_channel_that_is_switched_off_is_silent(later: Any) -> None:
    responses.post(SLACK_URL, body="ok")
    channel = make_channel()
    say()
    gather(channel.pk, later())
    Channel.objects.update(active=False)
    assert go_round() == 0
    assert posted() == []


@pytest.mark.django_db
def test_the_setting_is_a_channel_of_its_own(settings: Settings, later: Any, postback: Postback) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    go_round()
    assert not Channel.objects.exists()
    settings.POSTBACKS_NOTICE_EMAILS = ["ops@shop.example", "night@shop.example"]
    now = later()
    Lane.objects.create(postback=postback, held_since=now, probe_at=now, notice=Lane.Notice.HELD)
    go_round()
    go_round()
    channel = Channel.objects.get()
    assert (channel.from_settings, channel.address, channel.name) == (True, "", "POSTBACKS_NOTICE_EMAILS")
    (letter,) = mail.outbox
    assert (letter.subject, letter.to) == ("Held: Compass: Sales", settings.POSTBACKS_NOTICE_EMAILS)
    assert "Its deliveries wait; one at a time is sent as a probe until one is answered." in letter.body
    settings.POSTBACKS_NOTICE_EMAILS = []
    say(event=Event.HELD)
    later(minutes=5)
    go_round()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_a_channel_that_hangs_holds_up_no_other(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that hangs is told last, as soon as it is known to; it is cut off, and tried again."""
    settings.POSTBACKS_ALLOWED_NETWORKS = [IPv4Network("127.0.0.0/8")]
    settings.POSTBACKS_TOTAL_TIMEOUT = 1.0
    with ScriptedReceiver(lambda _: Hang()) as hangs, ScriptedReceiver(lambda _: Response(200, "ok")) as answers:
        slow = make_channel(address=hangs.url, name="slow")
        quick = make_channel(address=answers.url, name="quick")
        say()
        assert go_round() == 1
        slow.refresh_from_db()
        quick.refresh_from_db()
    assert (quick.failing_since, quick.last_answer) == (None, "Answered 200: ok")
    assert slow.last_answer == "The server did not answer in time."
    assert [message.channel.name for message in Message.objects.filter(told=False)] == ["slow"]


@pytest.mark.django_db(transaction=True)
def test_a_name_that_leads_to_a_private_address_when_it_matters_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that gives a public address to whoever checks, and a private one to whoever connects."""
    asked: list[str] = []

    def rebinding(host: str, port: int, *_args: Any, **_kwargs: Any) -> list[Any]:
        asked.append("93.184.216.34" if not asked else "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (asked[-1], port))]

    with ScriptedReceiver() as inside:
        channel = make_channel(address=f"http://rebind.example:{inside.port}/hook")
        look_up = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *a, **k: (rebinding if host == "rebind.example" else look_up)(host, *a, **k),
        )
        settings.POSTBACKS_CONNECT_TIMEOUT = 0.2
        say()
        with suppress(OSError):
            socket.getaddrinfo("rebind.example", 80)  # Whoever checks.
        go_round()
        assert inside.arrivals == []
    channel.refresh_from_db()
    assert channel.last_answer.startswith("127.0.0.1 is a loopback address")


@pytest.mark.django_db
def test_a_look_that_fails_keeps_back_no_other(later: Any, monkeypatch: pytest.MonkeyPatch, postback: Postback) -> None:
    make_channel()
    now = later()
    Lane.objects.create(postback=postback, held_since=now, probe_at=now, notice=Lane.Notice.HELD)

    def broken(_now: datetime) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rounds, "LOOKS", (broken, *rounds.LOOKS))
    with responses.RequestsMock() as mocked:
        mocked.post(SLACK_URL, body="ok")
        assert go_round() == 1
    assert Notice.objects.get().event == Event.HELD


@pytest.mark.django_db
def test_addresses_and_keys_go_along_to_a_new_key(settings: Settings) -> None:
    old, new = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
    settings.POSTBACKS_ENCRYPTION_KEYS = [old]
    channel = make_channel(signing_key=encrypt("whsec_a"))
    settings.POSTBACKS_ENCRYPTION_KEYS = [new, old]
    assert rotate_secrets().others == 2
    settings.POSTBACKS_ENCRYPTION_KEYS = [new]
    channel.refresh_from_db()
    from notices.addresses import address_of

    assert address_of(channel) == SLACK_URL


@pytest.mark.django_db
@responses.activate
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_the_digest_comes_once_a_day_at_its_hour(settings: Settings, later: Any, zone: str) -> None:
    settings.TIME_ZONE = zone
    responses.post(SLACK_URL, body="ok")
    make_channel(digest_hour=8)
    make_channel()
    here = timezone.get_default_timezone()
    morning = datetime(2026, 11, 25, 6, 30, tzinfo=here)
    sent = []
    now = later()
    later(seconds=(morning - now).total_seconds())
    for minutes in (30, 60, 5, 600, 775, 60, 5):  # 07:00, 08:00, 08:05, 18:05, 07:00, 08:00, 08:05.
        before = len(responses.calls)
        now = later(minutes=minutes)
        go_round()
        if len(responses.calls) > before:
            sent.append(now.astimezone(here).strftime("%a %H:%M"))
    assert sent == ["Wed 08:00", "Thu 08:00"]
    assert posted() == ["Daily digest: Tue 24 Nov 2026", "Daily digest: Wed 25 Nov 2026"]
