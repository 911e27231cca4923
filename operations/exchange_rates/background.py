"""Fetches inside a worker, on a separate thread: the worker's own has deliveries to send, and a server may be slow."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connections

from operations.exchange_rates.fetch import Fetched, FetchError, fetch, is_up_to_date
from operations.exchange_rates.words import in_words

logger = logging.getLogger(__name__)

STOPS_WITHIN_SECONDS = 5  # What is under way is fetched again in an hour.


class Fetcher:
    """One per process; `start` does nothing while it is running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="postbacks-exchange-rates", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        with self._lock:
            if self._thread is not None:
                self._thread.join(STOPS_WITHIN_SECONDS)
                self._thread = None

    def _run(self) -> None:
        try:
            if not is_up_to_date():
                _log(fetch())
        except FetchError as error:
            logger.warning("Exchange rates could not be fetched; the last ones stay in force. %s", error)
        except DatabaseError as error:
            logger.warning("Exchange rates could not be stored (%s); they are fetched again.", str(error).strip())
        except Exception:
            logger.exception("Unexpected error while fetching exchange rates; it is tried again in an hour.")
        finally:
            connections.close_all()  # Those of this thread.


def _log(fetched: Fetched) -> None:
    if fetched.taken.added:
        logger.info("Exchange rates: %s", in_words(fetched)[0])
    for line in in_words(fetched)[1:]:
        logger.warning("Exchange rates: %s", line)


fetcher = Fetcher()
