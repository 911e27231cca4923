"""The API's document (OpenAPI)."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from actions.api.described import described


class DocumentedApi(NinjaAPI):
    """An API whose document describes the fields of reports, and every error."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return described(super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params))
