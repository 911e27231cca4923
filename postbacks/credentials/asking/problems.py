"""What is wrong with how a receiver is to be asked, by field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from postbacks.credentials.asking import basic, certificates, oauth
from postbacks.credentials.asking.fields import BASIC, OAUTH, OF_KIND
from postbacks.credentials.asking.stored import Asking

_WITHOUT_TLS = "The URL begins with http://. A certificate is shown, and checked, only with https://."


def problems_of(stored: Mapping[str, Any], asking: Asking, url: str) -> dict[str, str]:
    """Of what is stored, and of `asking`, which was read from it, by field."""
    kind = stored["authentication"]
    found = _of_basic(asking) if kind == BASIC else _of_oauth(stored, asking) if kind == OAUTH else {}
    for other, names in OF_KIND.items():
        for name in names if other != kind else ():
            if name != "oauth_client_auth" and stored[name]:
                found[name] = f"This belongs to the authentication {other}, and it is {kind}. Take it out."
    return found | _of_tls(stored, asking, url)


def warnings_of(asking: Asking, url: str) -> dict[str, str]:
    """What can be saved and is unlikely to be meant."""
    found: dict[str, str] = {}
    if asking.basic and _plain(url):
        found["authentication"] = "The URL begins with http://: anyone on the way can read the password."
    if asking.oauth and _plain(url):
        found["authentication"] = "The URL begins with http://: anyone on the way can read the access token."
    if asking.oauth and _plain(asking.oauth.token_url):
        found["oauth_token_url"] = "It begins with http://: anyone on the way can read the client secret."  # noqa: S105 -- a message
    return found


def _of_basic(asking: Asking) -> dict[str, str]:
    user, password = asking.basic or ("", "")
    found = {"basic_user": basic.user_problem(user), "basic_password": basic.password_problem(password)}
    if not password:  # An empty one is legal, and hardly ever meant: more often it was forgotten.
        found["basic_password"] = "HTTP Basic needs a password."  # noqa: S105 -- a message
    return {name: problem for name, problem in found.items() if problem}


def _of_oauth(stored: Mapping[str, Any], asking: Asking) -> dict[str, str]:
    found = oauth.client_problems(
        *(stored[f"oauth_{name}"] for name in ("client_id", "client_auth", "scope", "audience", "parameters"))
    )
    if problem := oauth.token_url_problem(stored["oauth_token_url"]):
        found["oauth_token_url"] = problem
    secret = asking.oauth.client_secret if asking.oauth else ""
    if problem := oauth.secret_problem(secret) if secret else "OAuth 2.0 needs the client secret.":
        found["oauth_client_secret"] = problem
    return found


def _of_tls(stored: Mapping[str, Any], asking: Asking, url: str) -> dict[str, str]:
    certificate, authorities = stored["client_certificate"], stored["trusted_authorities"]
    key = asking.tls.key if asking.tls else ""
    found: dict[str, str] = {}
    if certificate and (problem := certificates.certificate_problem(certificate)):
        found["client_certificate"] = problem
    if certificate:
        problem = certificates.key_problem(key, certificate) if key else "The certificate needs its private key."
        if problem:
            found["client_key"] = problem
    elif stored["client_key"]:
        found["client_certificate"] = "There is a key and no certificate. Give both, or neither."
    if authorities and (problem := certificates.authorities_problem(authorities)):
        found["trusted_authorities"] = problem
    # With OAuth 2.0, the token server is checked against the authorities as well.
    if _plain(url):
        if certificate:
            found.setdefault("client_certificate", _WITHOUT_TLS)
        if authorities and not (asking.oauth and not _plain(asking.oauth.token_url)):
            found.setdefault("trusted_authorities", _WITHOUT_TLS)
    return found


def _plain(url: str) -> bool:
    return url.strip().lower().startswith("http://")
