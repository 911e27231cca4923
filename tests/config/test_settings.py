"""The settings: what the environment gives, what is refused and how that is said."""

import os
import re
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from commands.exit_codes import ExitCode
from devtools.demo import mark
from devtools.up.programs import environment
from environment.reading import origins, page_address, web_address
from environment.variables import BASE_DIR
from tests.support.copies import Copy

SHOW = """
import django, json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
try:
    for name in sys.argv[1:]:
        print(getattr(settings, name))
except ImproperlyConfigured as error:
    sys.exit(f"refused: {error}")
"""

KEY = "of the tests, and long enough to be no invitation to guess it"
ENCRYPTION_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
PRODUCTION = {
    "DATABASE_URL": "postgres://app:p%40ss@db.example:6432/live",
    "REDIS_URL": "redis://redis.example/3",
    "POSTBACKS_ENCRYPTION_KEYS": ENCRYPTION_KEY,
}


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy((tmp_path / "var").resolve())


def show(copy: Copy, *names: str, **variables: str) -> list[str]:
    code, output = copy.run("-c", SHOW, *names, **variables)
    assert code == 0, output
    return output.splitlines()


def refused(copy: Copy, **variables: str) -> str:
    code, output = copy.run("-c", SHOW, "DEBUG", **variables)
    assert code == 1, output
    assert output.startswith("refused: "), output
    return output


def test_without_urls_the_addresses_are_sockets_in_one_short_folder(copy: Copy) -> None:
    database, redis, broker = show(copy, "DATABASES", "REDIS_URL", "CELERY_BROKER_URL")
    folder = re.search(r"'HOST': '(/tmp/postbacks-\d+-[0-9a-f]{12})'", database)
    assert folder is not None, database
    assert redis == f"unix://{folder[1]}/redis.sock"
    assert broker == f"redis+socket://{folder[1]}/redis.sock"
    assert not Path(folder[1]).exists(), "settings start nothing"


def test_urls_are_used_as_given(copy: Copy) -> None:
    database, redis, broker = show(copy, "DATABASES", "REDIS_URL", "CELERY_BROKER_URL", SECRET_KEY=KEY, **PRODUCTION)
    for part in ("'HOST': 'db.example'", "'PORT': 6432", "'NAME': 'live'", "'USER': 'app'", "'PASSWORD': 'p@ss'"):
        assert part in database
    assert redis == broker == PRODUCTION["REDIS_URL"]
    assert not copy.data_dir.exists()


def test_the_secret_key_is_made_once_and_kept_private(copy: Copy) -> None:
    (first,), (second,) = show(copy, "SECRET_KEY"), show(copy, "SECRET_KEY")
    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE((copy.data_dir / "secret-key").stat().st_mode) == 0o600


def test_with_a_database_of_ones_own_a_secret_key_is_required(copy: Copy) -> None:
    assert "SECRET_KEY must be" in refused(copy, **PRODUCTION)


@pytest.mark.parametrize("key", ["change me", "0123456789" * 4 + "012345678", "abc" * 30])
def test_a_secret_key_that_can_be_guessed_is_refused(copy: Copy, key: str) -> None:
    said = refused(copy, SECRET_KEY=key, **PRODUCTION)
    assert "SECRET_KEY is too short, or always the same. Anyone" in said
    assert "openssl rand -hex 48" in said
    assert key not in said
    (kept,) = show(copy, "SECRET_KEY", SECRET_KEY=key)
    assert kept == key, "Nobody else reaches the embedded servers."


def test_the_encryption_key_is_made_once_and_kept_private(copy: Copy) -> None:
    (first,), (second,) = show(copy, "POSTBACKS_ENCRYPTION_KEYS"), show(copy, "POSTBACKS_ENCRYPTION_KEYS")
    assert first == second
    kept = copy.data_dir / "encryption-key"
    assert first == str([kept.read_text()])
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_with_a_database_of_ones_own_an_encryption_key_is_required(copy: Copy) -> None:
    said = refused(copy, SECRET_KEY=KEY, **{**PRODUCTION, "POSTBACKS_ENCRYPTION_KEYS": ""})
    assert "POSTBACKS_ENCRYPTION_KEYS must be set too. Make a key with `openssl rand -base64 32`" in said


def test_an_encryption_key_that_is_none_is_refused_by_its_place_and_never_printed(copy: Copy) -> None:
    said = refused(copy, POSTBACKS_ENCRYPTION_KEYS=f"{ENCRYPTION_KEY},a-short-secret")
    assert "POSTBACKS_ENCRYPTION_KEYS: key 2 is not 32 bytes in base64" in said
    assert "a-short-secret" not in said
    assert ENCRYPTION_KEY not in said


def test_https_is_required_outside_the_embedded_default_unless_switched_off(copy: Copy) -> None:
    names = ["SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS"]
    assert show(copy, *names) == ["False", "False", "False", "0"]
    assert show(copy, *names, SECRET_KEY=KEY, **PRODUCTION) == ["True", "True", "True", "31536000"]
    assert show(copy, *names, SECRET_KEY=KEY, HTTPS_ONLY="false", **PRODUCTION) == ["False", "False", "False", "0"]


def test_allowed_networks_are_read_and_wrong_ones_refused(copy: Copy) -> None:
    (read,) = show(copy, "POSTBACKS_ALLOWED_NETWORKS", POSTBACKS_ALLOWED_NETWORKS="10.0.0.0/8, ::1/128")
    assert read == "[IPv4Network('10.0.0.0/8'), IPv6Network('::1/128')]"
    said = refused(copy, POSTBACKS_ALLOWED_NETWORKS="10.0.0.1/8")
    assert "POSTBACKS_ALLOWED_NETWORKS: 10.0.0.1/8 is an address inside the network 10.0.0.0/8." in said


def test_only_a_living_demo_on_embedded_servers_allows_this_machine(copy: Copy) -> None:
    names = ("POSTBACKS_ALLOWED_NETWORKS", "DEMO_RUNS")
    (copy.data_dir / "run").mkdir(parents=True, exist_ok=True)
    with mark.running(copy.data_dir, demo=True):
        # Only what it starts itself gets the permission with its environment.
        assert show(copy, *names, POSTBACKS_ALLOWED_NETWORKS="10.0.0.0/8") == [
            "[IPv4Network('10.0.0.0/8'), IPv4Network('127.0.0.0/8'), IPv6Network('::1/128')]",
            "True",
        ]
        own = {**PRODUCTION, "SECRET_KEY": KEY, "POSTBACKS_ALLOWED_NETWORKS": ""}
        assert show(copy, *names, **own) == ["[]", "True"]
    # What a demo of this or of an earlier version left when it was killed.
    assert (copy.data_dir / "run" / "demo.lock").exists()
    (copy.data_dir / "run" / "demo").touch()
    assert show(copy, *names, POSTBACKS_ALLOWED_NETWORKS="") == ["[]", "False"]


def test_the_programs_of_a_demo_may_call_this_machine_whatever_the_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    for given, passed in (("10.0.0.0/8", "10.0.0.0/8,127.0.0.0/8,::1/128"), (None, "127.0.0.0/8,::1/128")):
        if given is None:
            monkeypatch.delenv("POSTBACKS_ALLOWED_NETWORKS", raising=False)
        else:
            monkeypatch.setenv("POSTBACKS_ALLOWED_NETWORKS", given)
        with mark.running(tmp_path, demo=True):
            assert environment()["POSTBACKS_ALLOWED_NETWORKS"] == passed
        assert os.environ.get("POSTBACKS_ALLOWED_NETWORKS") == given


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POSTBACKS_TOTAL_TIMEOUT", "0"),
        ("POSTBACKS_CONNECT_TIMEOUT", "fast"),
        ("POSTBACKS_SHUTDOWN_TIMEOUT", "nan"),
        ("WORKER_CONCURRENCY", "0"),
        ("WORKER_CONCURRENCY", "many"),
        ("LOG_LEVEL", "LOUD"),
        ("TIME_ZONE", "Mars/Base"),
        ("ACTIONS_KEPT_DAYS", "-1"),
        ("ACTIONS_KEPT_DAYS", "0.5"),
        ("PRUNE_HOURS", "24"),
        ("PRUNE_HOURS", "night"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(copy: Copy, variable: str, value: str) -> None:
    said = refused(copy, **{variable: value})
    assert variable in said
    assert value in said


def test_the_address_of_the_pages_is_a_scheme_and_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, read in (("", ""), ("https://pb.example/", "https://pb.example"), ("http://pb:8000", "http://pb:8000")):
        monkeypatch.setenv("PUBLIC_URL", given)
        assert page_address("PUBLIC_URL") == read
    for wrong in (
        "pb.example",
        "https://pb.example/admin",
        "javascript:alert(1)",
        "https://a@pb.example",
        "https://[x",
    ):
        monkeypatch.setenv("PUBLIC_URL", wrong)
        with pytest.raises(ImproperlyConfigured, match=r"^PUBLIC_URL is not valid\. Write scheme and host"):
            page_address("PUBLIC_URL")


def test_the_address_of_a_document_is_whole_and_has_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = "https://rates.example/daily.xml"
    for given, read in (("", usual), ("http://mirror:8000/d.xml?day=1", "http://mirror:8000/d.xml?day=1")):
        monkeypatch.setenv("EXCHANGE_RATES_URL", given)
        assert web_address("EXCHANGE_RATES_URL", usual) == read
    for wrong in (
        "rates.example",
        "ftp://x.example/",
        "https://u:secret@x.example/",
        "https://[x",
        "https://x/#a",
        "http:// x",
    ):
        monkeypatch.setenv("EXCHANGE_RATES_URL", wrong)
        with pytest.raises(ImproperlyConfigured, match=r"^EXCHANGE_RATES_URL is not valid\. ") as problem:
            web_address("EXCHANGE_RATES_URL", usual)
        assert "secret" not in str(problem.value)


def test_pages_that_may_frame_the_portal_are_origins_and_nothing_that_could_name_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for given, read in (
        ("", []),
        ("https://A.example, http://b.example:8443", ["https://a.example", "http://b.example:8443"]),
        ("https://[2001:db8::1]", ["https://[2001:db8::1]"]),
    ):
        monkeypatch.setenv("PORTAL_FRAME_ORIGINS", given)
        assert origins("PORTAL_FRAME_ORIGINS") == read
    for wrong in (
        *("*", "https://*.example", "https:", "a.example", "https://a.example/", "https://a.example/page"),
        *("https://a.example;script-src *", "https://a.example 'unsafe-inline'", "'self'", "https://u@a.example"),
        *("data:text/html", "https://a.example:0", "https://a.example\nX: y", "https://[x"),
    ):
        monkeypatch.setenv("PORTAL_FRAME_ORIGINS", wrong)
        with pytest.raises(ImproperlyConfigured, match=r"(?s)^PORTAL_FRAME_ORIGINS: .* is no origin\. Write scheme"):
            origins("PORTAL_FRAME_ORIGINS")


def test_a_command_says_what_is_wrong_without_a_traceback(copy: Copy) -> None:
    assert copy.run("manage.py", "check", **PRODUCTION) == (
        ExitCode.NOT_SET_UP,
        "Error: DATABASE_URL is set, so SECRET_KEY must be set too: to a long random text, kept secret.\n",
    )
    code, output = copy.run("manage.py", "up", PORT="http")
    assert (code, output) == (
        ExitCode.NOT_SET_UP,
        "Error: PORT=http is not valid. Write a whole number from 1 to 65535.\n",
    )


def test_a_relative_data_folder_counts_from_the_project(copy: Copy) -> None:
    assert show(copy, "DATA_DIR", POSTBACKS_DATA_DIR="var/elsewhere", SECRET_KEY=KEY) == [
        str((BASE_DIR / "var" / "elsewhere").resolve())
    ]


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    folders = ("config", "devtools", "environment", "operations/logs")
    sources = "".join(path.read_text() for folder in folders for path in (BASE_DIR / folder).rglob("*.py"))
    read = set(re.findall(r'\w\(\s*"([A-Z][A-Z_]+)"', sources))
    documented = set(re.findall(r"^#([A-Z][A-Z_]+)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    others = {"CELERY_SKIP_CHECKS", "DJANGO_SETTINGS_MODULE", "OPTIONS", "REMOTE_ADDR"}
    # OpenTelemetry documents its own.
    assert {each for each in read - others if not each.startswith("OTEL_")} == {
        each for each in documented if not each.startswith("OTEL_")
    }
