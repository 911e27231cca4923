"""`manage.py api_document`: prints docs/openapi.json."""

import json

from django.core.management.base import BaseCommand

import config.urls  # noqa: F401 -- it puts the API together
from actions.api.endpoints import api


class Command(BaseCommand):
    help = "Print the API's document (OpenAPI): the content of docs/openapi.json."

    requires_system_checks: list[str] = []  # Some query the database.

    def handle(self, *_arguments: object, **_options: object) -> None:
        document = api.get_openapi_schema(path_prefix="")
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True))
