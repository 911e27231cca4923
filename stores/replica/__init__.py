"""Reading from a replica of the database, while it is good enough; without DATABASE_REPLICA_URL, nothing here runs.

reading.py  one request: whether its reads go to the replica
models.py   which rows may be read there
router.py   Django's router
backend/    the connection to the replica, which turns to the primary where the replica fails
watch.py    what this process knows of the replica: whether it answers, and how far it is behind
marks.py    who has written a moment ago, kept in Redis
"""

from typing import Final

ALIAS: Final = "replica"
