"""While a program loads the project, nothing looks for garbage; later something does, but not in what is loaded."""

from __future__ import annotations

import gc
import sys

import pytest

from environment.garbage import while_loading
from environment.variables import BASE_DIR
from tests.support import programs

LOADED = """
import gc
gc.unfreeze()
gc.collect()  # What this process was forked with.
searched = []
gc.callbacks.append(lambda *_: searched.append(gc.get_count()))
{load}
assert gc.isenabled()
print(gc.get_freeze_count() > 100_000, len(searched) < 40, gc.get_freeze_count(), len(searched))
"""


@pytest.mark.parametrize(
    "load",
    [
        "from config import command_line; command_line.set_up(['manage.py', 'doctor'])",
        "from config import celery_app; celery_app.loader.import_default_modules()",
        "import front.application",
    ],
    ids=["a command", "Celery", "the web"],
)
def test_what_is_loaded_is_not_searched(load: str) -> None:
    done = programs.run(
        [sys.executable, "-c", LOADED.format(load=load)], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[:2] == ["True", "True"], done.stdout


def load_nothing() -> None:
    with while_loading():
        assert not gc.isenabled()
        raise ImportError


def test_it_is_looked_for_again_if_nothing_can_be_loaded() -> None:
    with pytest.raises(ImportError):
        load_nothing()
    assert gc.isenabled()
