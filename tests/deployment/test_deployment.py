"""The files of a deployment: that they agree with each other and with the project, and what can be tried of them."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from environment.addresses import LOCALHOST
from environment.variables import BASE_DIR
from postbacks.models import Delivery
from tests.support.factories import make_media_source, make_postback, make_tracker, report_fields
from tests.support.patience import wait_until
from tests.support.receiver import ScriptedReceiver
from tests.support.tls_redis import PASSWORD, make_certificates, running_tls_redis
from tests.support.workers import manage, running_workers

SYSTEMD = BASE_DIR / "deploy" / "systemd"
OPTIONAL = {"web": r" --host \S+ --port \S+", "worker": r" --hostname \S+"}  # What differs from place to place.


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def programs() -> dict[str, str]:
    """The commands of the Procfile, by name."""
    lines = (BASE_DIR / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, command in (line.split(":", 1) for line in lines)}


def dockerfile(instruction: str) -> list[str]:
    lines = (BASE_DIR / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    return [line.split(None, 1)[1] for line in lines if line.startswith(f"{instruction} ")]


def test_all_ways_to_run_it_run_the_same(compose: dict[str, Any], programs: dict[str, str]) -> None:
    services = compose["services"]
    assert services["worker"]["command"] == programs["worker"]
    assert services["beat"]["command"] == programs["beat"]
    assert services["migrate"]["command"] == programs["release"]
    assert json.loads(dockerfile("CMD")[-1])[-1] == f"exec {programs['web']}"
    for name, unit in (("web", "postbacks-web"), ("worker", "postbacks-worker@"), ("beat", "postbacks-beat")):
        text = (SYSTEMD / f"{unit}.service").read_text()
        (started,) = re.findall(r"^ExecStart=/opt/postbacks/.venv/bin/(.*)$", text, re.MULTILINE)
        optional = OPTIONAL.get(name, "$^")
        assert re.sub(optional, "", started) == re.sub(optional, "", programs[name])


def test_the_image_is_lean_and_not_roots() -> None:
    assert len(dockerfile("FROM")) == 2
    assert dockerfile("USER") == ["postbacks"]
    (check,) = dockerfile("HEALTHCHECK")
    probe = json.loads(check.split("CMD", 1)[1])
    assert probe[0] == "python"
    compile(probe[2], "probe", "exec")
    assert "/healthz" in probe[2]
    ignored = (BASE_DIR / ".dockerignore").read_text().split()
    assert {".env", ".env.*", ".git", ".venv", "var"} <= set(ignored), "no secrets and no data in the image"
    assert {".ci", "benchmarks", "docs", "tests"} <= set(ignored), "nothing that only developers run"
    base, requirements = dockerfile("ARG")
    assert requirements == "REQUIREMENTS=requirements.txt"
    name, _, default = base.partition("=")
    assert default.startswith("python:3.")
    assert [line.split()[0] for line in dockerfile("FROM")] == [f"${{{name}}}"] * 2, "a release names its digest"


def test_no_program_gets_a_password_in_its_arguments(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for part in ("command", "entrypoint", "healthcheck"):
            text = json.dumps(service.get(part, ""))
            assert not re.search(r"(?<!\$)\$\{?\w*(PASSWORD|SECRET|KEY|TOKEN)", text), f"{part} of {name}"
    redis = compose["services"]["redis"]
    assert redis["command"][:2] == ["sh", "-c"]
    assert "<<END\nrequirepass $$REDISCLI_AUTH\nEND\n" in redis["command"][2]
    assert redis["environment"] == {"REDISCLI_AUTH": "${REDIS_PASSWORD}"}


def test_containers_are_told_what_the_settings_know(compose: dict[str, Any]) -> None:
    documented = set(re.findall(r"^#?([A-Z_]+)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    for name in ("migrate", "web", "worker", "beat"):
        service = compose["services"][name]
        assert set(service["environment"]) - {"PGOPTIONS"} <= documented
        assert service["environment"]["REDIS_URL"].startswith("rediss://:${REDIS_PASSWORD")
        assert set(service["depends_on"]) >= {"postgres", "redis"}
    for name in ("postgres", "redis", "worker"):
        assert compose["services"][name]["healthcheck"]["test"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed.")
def test_the_units_are_what_systemd_understands(tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    for file in SYSTEMD.iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("/opt/postbacks/.venv/bin", str(programs)))
    files = [str(tmp_path / file.name) for file in SYSTEMD.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "postbacks" in line]
    assert ours == []


def test_certificates_are_made_once(tmp_path: Path) -> None:
    assert "Created certificates for DNS:localhost,IP:127.0.0.1,DNS:redis" in make_certificates(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    assert "are kept" in make_certificates(tmp_path)

    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ca.crt", "redis.crt", "redis.key")}
    assert modes == {"ca.crt": 0o644, "redis.crt": 0o644, "redis.key": 0o600}


@pytest.mark.django_db(transaction=True)
def test_redis_may_speak_tls_and_ask_for_a_password(tmp_path: Path) -> None:
    tracker = make_tracker()
    file = tmp_path / "actions.jsonl"
    file.write_text("\n".join(json.dumps(report_fields(tracker)) for _ in range(20)))
    make_certificates(tmp_path)
    with running_tls_redis() as (port, authority), ScriptedReceiver() as receiver:
        make_postback(tracker, make_media_source(), url=receiver.url + "/in", maximum_requests=100)
        address = f"{LOCALHOST}:{port}/0?ssl_ca_certs="
        variables = {"REDIS_URL": f"rediss://:{PASSWORD}@{address}{authority}"}
        with running_workers(concurrency=1, variables=variables) as worker:
            manage(variables, "import_actions", str(file))
            receiver.wait_for(20, timeout=20)
            wait_until(lambda: Delivery.objects.filter(state="delivered").count() == 20, 10, "all are recorded")
        assert "CERTIFICATE_VERIFY_FAILED" not in worker.log.read_text()
        with pytest.raises(AuthenticationError):
            Redis.from_url(f"rediss://{address}{authority}").ping()
        other = f"rediss://:{PASSWORD}@{address}{tmp_path / 'ca.crt'}"
        with pytest.raises(RedisConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            Redis.from_url(other).ping()
        with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
            Connection(other).ensure_connection(max_retries=1, timeout=5)
