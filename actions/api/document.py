"""The API's document (OpenAPI): the scopes that each address needs, the fields of reports, and every error."""

from __future__ import annotations

from functools import cache
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.docs import ABS_TPL_PATH, Swagger
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from actions.api.authority import AccountToken
from actions.api.described import described


class DocumentedApi(NinjaAPI):
    """An API whose document tells what AccountToken asks for, and describes the fields of reports and every error."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The document; anybody may ask for it, so it is made once for each process and shared by all who ask."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        return _made(self, prefix)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The function's name; generators of clients name their methods for it."""
        name: str = operation.view_func.__name__
        return name


@cache
def _made(api: DocumentedApi, prefix: str) -> OpenAPISchema:
    return described(_Document(api, prefix))


class Page(Swagger):
    """The page that shows the document. Its scripts are ours to serve, so it needs no network.

    django-ninja does so by itself where it is an app, but then each command and worker would load it.
    """

    template_cdn = str(ABS_TPL_PATH / "swagger.html")


class _Document(OpenAPISchema):
    def operation_details(self, operation: Operation) -> dict[str, Any]:
        """An endpoint that is in no other group is one of the conversion API."""
        return {"tags": ["Conversions"], **super().operation_details(operation)}

    def operation_security(self, operation: Operation) -> list[dict[str, Any]] | None:
        """One entry for each scope of which the address needs one."""
        found = super().operation_security(operation)
        for auth in operation.auth_callbacks:
            if isinstance(auth, AccountToken):
                scopes = auth.needed(operation.methods[0])
                return [{type(auth).__name__: [str(scope)]} for scope in scopes]
        return found
