"""The project package: settings, URLs, the Celery app, the command line, the theme and error pages."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
