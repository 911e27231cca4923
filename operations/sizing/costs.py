"""What one report and one delivery cost, as `make bench ONLY=sizing` measures it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import orjson

SCENARIO = "sizing"


class UnreadableCostsError(ValueError):
    """A file is not a result of the benchmark, or lacks a figure of its scenario `sizing`; the text says which."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Times are milliseconds of one core; sizes are bytes on PostgreSQL's disk, indexes included.

    A report is one action with its event, two items and no delivery, reported over HTTP among many. A delivery has one
    attempt, with ten values in its URL and a short answer. `attempt_bytes` contain `text_bytes`, the request and the
    answer, which are deleted earlier than the rest of the row. Redis counts with the worker.
    """

    report_web_ms: float
    report_postgres_ms: float
    report_worker_ms: float
    delivery_web_ms: float
    delivery_postgres_ms: float
    delivery_worker_ms: float
    report_wal_bytes: float
    delivery_wal_bytes: float
    event_bytes: float
    submission_bytes: float
    delivery_bytes: float
    attempt_bytes: float
    text_bytes: float


NAMES = tuple(field.name for field in fields(Costs))

# From one run of that scenario on two cores, 2026-11-26 (docs/scaling.md).
MEASURED = Costs(
    report_web_ms=0.737,
    report_postgres_ms=0.171,
    report_worker_ms=0.043,
    delivery_web_ms=0.012,
    delivery_postgres_ms=0.164,
    delivery_worker_ms=0.148,
    report_wal_bytes=4_371,
    delivery_wal_bytes=2_716,
    event_bytes=2_358,
    submission_bytes=212,
    delivery_bytes=798,
    attempt_bytes=615,
    text_bytes=361,
)


def read(path: Path) -> Costs:
    """The costs in a results file of `make bench`. Raises UnreadableCostsError."""
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UnreadableCostsError(f"{path}: {error.strerror}.") from None
    except orjson.JSONDecodeError as error:
        raise UnreadableCostsError(f"{path} is not JSON: {error}.") from None
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, list):
        raise UnreadableCostsError(f"{path} is not a results file of make bench: it has no list `results`.")
    found: dict[str, float] = {}
    for entry in results:
        if isinstance(entry, dict) and entry.get("scenario") == SCENARIO and entry.get("what") in NAMES:
            found[entry["what"]] = entry["value"]
    if missing := [name for name in NAMES if name not in found]:
        raise UnreadableCostsError(f"{path} lacks {', '.join(missing)}. Measure them with: make bench ONLY={SCENARIO}")
    return Costs(**found)
