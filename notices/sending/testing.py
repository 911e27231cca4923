"""The message that the Send test button sends: at once, and once."""

from __future__ import annotations

import uuid

from notices import clock
from notices.models import Channel
from notices.saying.content import of_test
from notices.saying.post import Letter, Outcome, post
from notices.sending.delivering import note_answer


def send_test(channel: Channel) -> Outcome:
    """Sends and notes the answer on the channel. It is counted by no limit and tried once."""
    now = clock.now()
    outcome = post(channel, Letter(of_test(channel.name), str(uuid.uuid4()), now, now))
    note_answer(channel, outcome, clock.now())
    return outcome
