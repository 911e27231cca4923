"""The API as a whole: what its document says of it, who may use it, and how it fails. The addresses add themselves."""

from __future__ import annotations

from actions.api.authority import AccountToken
from actions.api.document import DocumentedApi, Page
from actions.api.errors import handle_errors

api = DocumentedApi(
    title="Partner Postbacks API",
    version="1",
    description=(
        "Report conversions and changes of them, and read what became of them. Answers are JSON where the address ends "
        "in `.json` or `Accept` prefers JSON, else XML; `.xml` gives XML whatever `Accept` says. Each address may end "
        "in a slash. Below /api/v1, where postbacks and deliveries are managed, answers are always JSON. The user name "
        "is the account's SID, the password one of its tokens; it needs the scope that `security` names."
    ),
    openapi_url="/api/openapi.json",
    docs=Page(),
    docs_url="/api/docs",
    urls_namespace="conversion_api",
    auth=AccountToken(),
)
handle_errors(api)
