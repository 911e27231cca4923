"""The usual design: one Celery task for each delivery, sent with `requests`.

It is as fast as this design can fairly be: a session that keeps connections alive and ignores the environment, one
database connection per process, one row read and one row written per delivery, no results, early acknowledgement,
prefetching, and no worker events.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode

import psycopg2
import requests
from celery import Celery
from psycopg2 import extensions

from environment.addresses import DATABASE_NAME, DATABASE_USER, redis_socket, socket_dir

QUEUE = "per-task"

app = Celery("per_task", broker=f"redis+socket://{redis_socket()}")
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    worker_prefetch_multiplier=64,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)

CREATE = """
DROP TABLE IF EXISTS per_task;
CREATE TABLE per_task (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, url text NOT NULL, parameters jsonb NOT NULL,
    state text NOT NULL DEFAULT 'ready', status int, response text, finished_at timestamptz
)
"""
FILL = "INSERT INTO per_task (url, parameters) SELECT %s, %s FROM generate_series(1, %s)"
RATE = """
SELECT count(*), (count(*) - 1) / nullif(extract(epoch FROM max(finished_at) - min(finished_at)), 0)::float8
FROM per_task WHERE state = 'delivered'
"""
_READ = "SELECT url, parameters FROM per_task WHERE id = %s"
_WRITE = """
UPDATE per_task SET state = 'delivered', status = %s, response = %s, finished_at = clock_timestamp() WHERE id = %s
"""


@app.task(name="per_task.deliver")
def deliver(row_id: int) -> None:
    """Sends one delivery and writes the result."""
    with _database().cursor() as cursor:
        cursor.execute(_READ, (row_id,))
        url, parameters = cursor.fetchone() or ("", {})
    answer = _session().get(_url(url, parameters, row_id), timeout=15, allow_redirects=False)
    answer.raise_for_status()
    with _database().cursor() as cursor:
        cursor.execute(_WRITE, (answer.status_code, answer.text, row_id))


def _url(url: str, parameters: dict[str, Any], row_id: int) -> str:
    """The URL with the same ten values as our own postbacks."""
    query = {
        "campaign": parameters["CampaignId"],
        "action": parameters["ActionId"],
        "status": parameters["Status"],
        "amount": parameters["Amount"],
        "payout": parameters["Payout"],
        "click": parameters["SharedId"],
        "order": parameters["Oid"],
        "city": parameters["CustomerCity"],
        "promo": parameters["PromoCode"],
        "n": row_id,
    }
    return f"{url}?{urlencode(query)}"


@cache
def _database() -> extensions.connection:
    connection: extensions.connection = psycopg2.connect(
        host=str(socket_dir()), user=DATABASE_USER, dbname=DATABASE_NAME
    )
    connection.autocommit = True
    return connection


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session
