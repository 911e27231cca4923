"""Fetches inside a worker, on a thread of its own, because a server may be slow."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connections

from environment.background import Background
from environment.turns import short_turns
from operations.exchange_rates.fetch import Fetched, FetchError, fetch, is_up_to_date
from operations.exchange_rates.words import in_words

logger = logging.getLogger(__name__)


@short_turns()
def _fetch(_stopping: threading.Event) -> None:
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


fetcher = Background("postbacks-exchange-rates", _fetch)
