"""What a connection is called whose host's clock is not the database's."""

from __future__ import annotations

import socket

import pytest

from postbacks.delivery.database_clock import name_for


@pytest.mark.parametrize(
    ("ahead_seconds", "said"),
    [(7.04, ", +7.0 s on {host}"), (-7.04, ", -7.0 s on {host}"), (0.4, ""), (-0.4, "")],
)
def test_a_host_is_named_whose_clock_is_off_either_way(ahead_seconds: float, said: str) -> None:
    assert name_for(ahead_seconds) == f"postbacks claim{said.format(host=socket.gethostname())}"[:63]
