"""A web process that reads from a replica, with PgBouncer before both servers."""

from __future__ import annotations

import base64

import pytest
import requests

from actions.api.tokens import create_token
from config.replica import LAG_HEADER
from partners.models import ActionTracker
from postbacks.delivery.redis import client as redis
from stores.replica import marks
from tests.support.factories import report_fields
from tests.support.patience import wait_until
from tests.support.pgbouncer import running_pgbouncer
from tests.support.replica import Replica
from tests.support.web import running_web


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_program_reads_what_it_has_reported_a_moment_ago(
    streaming_replica: Replica, empty_redis: None, tracker: ActionTracker
) -> None:
    def account(word: str) -> tuple[str, dict[str, str]]:
        token, text = create_token(word)
        basic = base64.b64encode(f"{token.account_sid}:{text}".encode()).decode()
        return f"/Advertisers/{token.account_sid}/", {"Authorization": f"Basic {basic}", "Accept": "application/json"}

    (path, reporter), (_, reader) = account("reporter"), account("reader")
    marks.find("anybody")
    redis.delete("postbacks:wrote:everyone")
    streaming_replica.catch_up()
    with running_pgbouncer() as before_primary, running_pgbouncer(place=streaming_replica.place) as before_replica:
        variables = {**before_primary.variables, "DATABASE_REPLICA_URL": before_replica.url}
        with running_web("--processes", "1", variables=variables) as web:

            def actions(who: dict[str, str]) -> requests.Response:
                return requests.get(f"{web.url}{path}Actions?CampaignId={tracker.program_id}", headers=who, timeout=20)

            wait_until(lambda: LAG_HEADER in actions(reader).headers, 10, "the replica is in use")
            with streaming_replica.paused():
                fields = report_fields(tracker, OrderId="KC-1")
                sent = requests.post(f"{web.url}{path}Conversions", json=fields, headers=reporter, timeout=20)
                assert sent.status_code == 200, sent.text
                assert "KC-1" in actions(reporter).text
                of_other = actions(reader)
                assert "KC-1" not in of_other.text
                assert LAG_HEADER in of_other.headers
            wait_until(lambda: "KC-1" in actions(reader).text, 10, "the replica has it")
