"""The fields of a postback that say how its receiver wants to be asked: which are secret, and to whom they belong."""

from __future__ import annotations

from typing import Final

NONE, BASIC, OAUTH = "none", "basic", "oauth2"
IN_HEADER, IN_BODY = "header", "body"  # Where a token server wants the client's id and secret.

FIELDS: Final = (
    *("authentication", "basic_user", "basic_password"),
    *("oauth_token_url", "oauth_client_id", "oauth_client_secret", "oauth_client_auth"),
    *("oauth_scope", "oauth_audience", "oauth_parameters"),
    *("client_certificate", "client_key", "trusted_authorities"),
)
"""All of them, in the order of screens and files."""

BOUND_TO: Final = {
    "secret_headers": ("url",),
    "basic_password": ("url",),
    # Of the receiver too: with the secret goes a token, and the token goes to the receiver.
    "oauth_client_secret": ("oauth_token_url", "url"),
    "client_key": ("url",),
}
"""The secret fields that are typed. Each was given for the scheme, host and port of these URLs: where one of them names
another, the secret is typed again."""

SECRETS: Final = tuple(name for name in FIELDS if name in BOUND_TO)
"""Those of FIELDS that are secret: one encrypted text each."""

OF_KIND: Final = {
    NONE: (),
    BASIC: ("basic_user", "basic_password"),
    OAUTH: tuple(name for name in FIELDS if name.startswith("oauth_")),
}
"""The fields that only one kind of authentication has."""
