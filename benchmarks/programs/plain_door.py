"""The yardstick of the front door: what a web process can take in that keeps each report and does nothing else.

A WSGI application for gunicorn: it parses the form, inserts one row, commits, and answers. No account, no check, no
matching, nothing sent. Each thread keeps its connection to the database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

import orjson
import psycopg2
from psycopg2 import extensions

from environment.addresses import DATABASE_NAME, DATABASE_USER, socket_dir

CREATE = """
DROP TABLE IF EXISTS plain_door;
CREATE TABLE plain_door (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id text NOT NULL, fields jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
)
"""
_INSERT = "INSERT INTO plain_door (order_id, fields) VALUES (%s, %s) RETURNING id"
_own = threading.local()

Start = Callable[[str, list[tuple[str, str]]], Any]


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Answers one report."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    database = _database()
    with database.cursor() as cursor:
        cursor.execute(_INSERT, (fields["OrderId"], orjson.dumps(fields).decode()))
        (number,) = cursor.fetchone() or (0,)
    database.commit()
    answer = orjson.dumps({"Status": "QUEUED", "Id": number})
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


def _database() -> extensions.connection:
    if not hasattr(_own, "connection"):
        _own.connection = psycopg2.connect(host=str(socket_dir()), user=DATABASE_USER, dbname=DATABASE_NAME)
    connection: extensions.connection = _own.connection
    return connection
