"""The Celery tasks of actions."""

from celery import shared_task

from actions.recording import maturing

SECONDS = 20  # Posted each minute; the worker is needed for sending too.


@shared_task(name="actions.tasks.mature", ignore_result=True)
def mature() -> None:
    """Lock and clear the actions whose date has come."""
    maturing.mature(SECONDS)
