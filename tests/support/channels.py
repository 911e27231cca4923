"""Channels of notices for tests."""

from __future__ import annotations

import itertools
from typing import Any

from notices.events import Event
from notices.models import Channel
from postbacks.credentials.secrets.cipher import encrypt

SLACK_URL = "https://hooks.slack.example/services/T0001/B0002/s3cr3t-t0ken-0f-slack"

_numbers = itertools.count(1)


def make_channel(kind: Channel.Kind = Channel.Kind.SLACK, address: str = SLACK_URL, **fields: Any) -> Channel:
    """One that is told of everything, for all programs."""
    defaults = {"name": f"Channel {next(_numbers)}", "kind": kind, "address": encrypt(address), "events": Event.values}
    channel = Channel.objects.create(**{**defaults, **fields})
    channel.refresh_from_db()
    return channel
