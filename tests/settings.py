"""The project's settings with a data folder of the tests' own: they must never touch the data of a running copy."""

import os
from pathlib import Path

# In the environment, so that processes which tests start find the same servers.
os.environ.setdefault("POSTBACKS_DATA_DIR", str(Path(__file__).resolve().parent.parent / "var" / "test"))

from config.settings import *  # noqa: F403 -- only now that they will see the variable
