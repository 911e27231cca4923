"""The pages to which notices lead."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db.models import Model
from django.urls import reverse

from actions.models import Action
from environment.variables import BASE_DIR
from notices import pages
from partners.models import ExchangeRate, HeldRate, Program
from portal.models import Proposal
from postbacks.models import Postback, Replay


def test_the_dashboard_is_where_the_admin_begins() -> None:
    assert reverse("admin:index") == pages.DASHBOARD


@pytest.mark.parametrize("model", [Action, HeldRate, ExchangeRate])
def test_lists_are_where_the_admin_has_them(model: type[Model]) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    assert pages.list_of(model) == reverse(name)


@pytest.mark.parametrize("model", [Program, Postback, Replay, Proposal])
def test_rows_are_where_the_admin_has_them(model: type[Model]) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    assert pages.page(model, 17) == pages.page_of(model(pk=17)) == reverse(name, args=(17,))


# What a worker does with news: all that looks for it is loaded, and news of a postback is made.
TOLD = """
import sys
from config import celery_app
celery_app.loader.import_default_modules()
from datetime import UTC, datetime
from notices.events import Event
from notices.sending import rounds
from notices.watching.health import of_postback
from partners.models import ActionTracker, Partner
from postbacks.models import Postback
postback = Postback(pk=7, name="Sales", partner=Partner(name="Compass"), action_tracker=ActionTracker(program_id=1))
print(of_postback(Event.HELD, datetime.now(UTC), postback, "Held", "").path)
print(*{"config.urls", "ninja", "unfold.admin"} & set(sys.modules))
"""


def test_a_worker_that_has_news_loads_no_pages() -> None:
    done = subprocess.run([sys.executable, "-c", TOLD], cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["/admin/postbacks/postback/7/change/", ""]
