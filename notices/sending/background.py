"""Goes round inside a worker, on a thread of its own, because a chat may hang."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connections

from environment.background import Background
from environment.turns import short_turns
from notices.sending.rounds import go_round

logger = logging.getLogger(__name__)


@short_turns()
def _tell(stopping: threading.Event) -> None:
    try:
        go_round(stopping.is_set)
    except DatabaseError as error:
        logger.warning("Operators could not be told (%s); it is tried again in half a minute.", str(error).strip())
    except Exception:
        logger.exception("Unexpected error while telling operators; it is tried again in half a minute.")
    finally:
        connections.close_all()  # Those of this thread.


teller = Background("postbacks-teller", _tell)
