"""The API as a whole: what its document says of it, who may use it, and how it fails. The addresses add themselves."""

from __future__ import annotations

from ninja import NinjaAPI

from actions.api.authority import AccountToken
from actions.api.errors import handle_errors

api = NinjaAPI(
    title="Partner Postbacks: conversion API",
    version="1",
    description=(
        "Report conversions and changes of them, and read what became of them. Answers are JSON where `Accept` "
        "asks for application/json, else XML. The user name is the account's SID, the password one of its tokens."
    ),
    openapi_url="/api/openapi.json",
    docs_url="/api/docs",
    urls_namespace="conversion_api",
    auth=AccountToken(),
)
handle_errors(api)
