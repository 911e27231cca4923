"""`manage.py api_document`: prints docs/openapi.json."""

import json

import config.urls  # noqa: F401 -- it puts the API together
from actions.api.endpoints import api
from commands.base import Command as BaseCommand


class Command(BaseCommand):
    help = "Print the API's document (OpenAPI): the content of docs/openapi.json."
    always_json = True

    requires_system_checks: list[str] = []  # Some query the database.

    def handle(self, *_arguments: object, **_options: object) -> None:
        document = api.get_openapi_schema(path_prefix="")
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True))
