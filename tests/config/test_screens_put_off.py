"""Programs that load no screens at their start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from environment.variables import BASE_DIR

SHOWN = """
import sys
from config import command_line
command_line.set_up(["manage.py", sys.argv[1]])
from django.contrib import admin
from django.urls import reverse
print(len(admin.site._registry) > 10, reverse("admin:actions_action_changelist"), len(admin.site._registry) > 10)
"""


@pytest.mark.parametrize(("command", "loaded"), [("import_actions", "False"), ("doctor", "True")])
def test_screens_are_loaded_at_the_start_or_with_the_first_address(command: str, loaded: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, command], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [loaded, "/admin/actions/action/", "True"]


# Of a worker, until it takes its first message.
NOT_LOADED = """
import sys
from config import celery_app
celery_app.loader.import_default_modules()
from django.contrib import admin
pages = {"config.urls", "ninja", "unfold.admin"}
print(len(celery_app.tasks) > 10, len(admin.site._registry) > 10, *pages & set(sys.modules))
from django.urls import reverse
print(reverse("admin:actions_action_changelist"), len(admin.site._registry) > 10)
"""


def test_workers_and_beat_load_no_screens_before_they_need_an_address() -> None:
    done = subprocess.run([sys.executable, "-c", NOT_LOADED], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True False", "/admin/actions/action/ True"]
