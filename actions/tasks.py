"""The Celery tasks of actions."""

from celery import shared_task

from actions.intake import catch_up
from actions.recording import early_changes, keeping, maturing
from environment.turns import short_turns

SECONDS = 20  # Posted each minute; the worker is needed for sending too.


@shared_task(name="actions.tasks.mature", ignore_result=True)
@short_turns()
def mature() -> None:
    """Lock and clear the actions whose date has come."""
    maturing.mature(SECONDS)


@shared_task(name="actions.tasks.early_changes", ignore_result=True)
@short_turns()
def take_early_changes() -> None:
    """Take the changes whose orders have come unnoticed; refuse those whose orders have not come in time.

    First, record the reports that a web process has answered and not recorded: it has ended, or a row was locked. They
    have no task of their own: workers of an earlier release would not know it, and take it.
    """
    catch_up.take_left(SECONDS)
    keeping.take_missed(SECONDS)
    early_changes.give_up(SECONDS)
