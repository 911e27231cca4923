"""Prunes everything older than a time. `SECONDS_SINCE_THE_EPOCH`

It prunes like a worker, with pauses, and prints the counts and seconds as a JSON line.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta

import django
import orjson

django.setup()

from operations.retention.ages import Ages  # noqa: E402 -- the apps must be ready
from operations.retention.prune import prune  # noqa: E402


def main(moment: float) -> None:
    ages = Ages(texts=1, personal=1, deliveries=1, actions=None, submissions=None)
    print("pruning", flush=True)
    began = time.monotonic()
    result = prune(ages, now=datetime.fromtimestamp(moment, UTC) + timedelta(days=1))
    took = time.monotonic() - began
    print(orjson.dumps({"gone": result.gone, "seconds": took}).decode(), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
