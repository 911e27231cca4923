"""The built-in receiver of the sample takes what was made for a sample, and nothing else; it opens no connection."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pytest_django import Settings

from postbacks.delivery.sender import Sender
from postbacks.egress.answer import Answer
from postbacks.egress.built_in import address_for, answer, partner_of
from postbacks.egress.transport import Call, send
from postbacks.request.building import Request
from tests.support.delivery_rows import claimed, prepared
from tests.support.sending import Outcomes


def get(url: str) -> Request:
    return Request("GET", url, {})


def test_what_was_made_for_a_sample_is_taken_without_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*_: Any) -> Any:
        raise AssertionError("A socket was opened.")

    monkeypatch.setattr(Call, "_open_socket", no_socket)
    monkeypatch.setattr(socket, "socket", no_socket)
    taken = send(get(f"{address_for(7)}?id=1"))

    assert isinstance(taken, Answer)
    assert (taken.status_code, taken.text) == (200, '{"received":true}')


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("/7/", "/8/"),
        lambda url: url.replace("/7/", "/07/"),
        lambda url: url.replace("sample.invalid", "sample.invalid.example"),
        lambda url: url.replace("sample.invalid", "sample.invalid:80"),
        lambda url: url.replace("sample.invalid", "sample.invalid@127.0.0.1"),
        lambda url: url.replace("sample.invalid", "127.0.0.1"),
        lambda url: url.replace("http://", "https://"),
        lambda url: url.replace("http://", "HTTP://"),
        lambda url: f"{url}/more",
        lambda url: f"{url}#more",
        lambda url: f"{url}\n",
        lambda url: f"http://127.0.0.1/?to={url}",
        lambda url: url[:-32],
    ],
)
def test_nothing_else_is_taken(change: Any) -> None:
    assert answer(get(address_for(7))) is not None
    assert answer(get(change(address_for(7)))) is None
    assert partner_of(change(address_for(7))) is None


def test_the_address_cannot_be_made_without_the_secret_key(settings: Settings) -> None:
    made = address_for(7)
    settings.SECRET_KEY = "another-" * 8
    assert partner_of(made) is None


@pytest.mark.usefixtures("embedded_services")
def test_a_worker_hands_it_to_the_receiver_as_it_sends_everything() -> None:
    outcomes = Outcomes()
    sender = Sender(outcomes.on_sent, outcomes.on_unsent)
    sender.start()
    try:
        sender.put([prepared(claimed(), f"{address_for(7)}?id={number}") for number in range(50)])
        sent = outcomes.wait_for(50)
    finally:
        sender.stop(5)
    assert {getattr(each.answer, "status_code", None) for each in sent} == {200}
    assert outcomes.unsent == []
