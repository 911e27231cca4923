"""Celery's program with the project's app: `python -m config worker`, `python -m config beat`.

`celery --app config` does the same, but looks for `config` in the current folder first.
"""

import sys

from config import celery_app

if __name__ == "__main__":
    sys.exit(celery_app.start(sys.argv[1:]))
