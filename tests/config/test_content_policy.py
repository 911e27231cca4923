"""The headers that tell browsers what our pages may do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

POLICY = (
    "base-uri 'none'; connect-src 'self'; default-src 'none'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; img-src 'self' data:; manifest-src 'self'; script-src 'self'{eval}; "
    "style-src 'self' 'unsafe-inline'"
)


def policy_of(client: Client, path: str) -> str:
    header = client.get(path).headers["Content-Security-Policy"]
    return "; ".join(sorted(part.strip() for part in header.split(";")))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/postbacks/postback/add/", "/admin/nothing/"])
def test_pages_of_the_admin_run_our_files_alone(client: Client, path: str) -> None:
    client.force_login(User.objects.create_superuser("root"))

    assert policy_of(client, path) == POLICY.format(eval=" 'unsafe-eval'")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/api/docs", "/api/openapi.json", "/nothing/"])
def test_what_needs_no_alpine_makes_no_code_of_texts(client: Client, path: str) -> None:
    assert policy_of(client, path) == POLICY.format(eval="")


@pytest.mark.django_db
def test_nobody_frames_sniffs_or_is_told_where_users_come_from(client: Client) -> None:
    headers = client.get("/admin/login/").headers

    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
