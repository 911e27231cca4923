"""deploy/compose: the same programs as everywhere, each under a profile, and nothing of a server of ours."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from environment.variables import BASE_DIR

FILE = BASE_DIR / "deploy" / "compose" / "compose.yml"
ENVIRONMENT = {
    "POSTBACKS_IMAGE": "registry.example/postbacks:1.0.0",
    "SECRET_KEY": "x",
    "POSTBACKS_ENCRYPTION_KEYS": "x",
    "DATABASE_URL": "postgres://db.example/x",
    "REDIS_URL": "redis://redis.example/0",
    "ALLOWED_HOSTS": "postbacks.example",
}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return loaded


def test_each_program_has_a_profile_of_its_name_and_is_that_of_the_procfile(services: dict[str, Any]) -> None:
    programs = dict(line.split(": ", 1) for line in (BASE_DIR / "Procfile").read_text().splitlines())
    assert {name: service["profiles"] for name, service in services.items()} == {
        name: [name] for name in ("migrate", "web", "worker", "beat")
    }
    assert services["migrate"]["command"] == programs["release"]
    assert "command" not in services["web"], "that of the image"
    for name in ("worker", "beat"):
        assert services[name]["command"] == programs[name]
        assert services[name]["healthcheck"]["test"] == ["CMD", "sh", "deploy/probe.sh", name]


def test_what_a_host_must_be_told_is_required_and_documented(services: dict[str, Any]) -> None:
    text = FILE.read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == set(ENVIRONMENT)
    documented = set(re.findall(r"^#?([A-Z_]+)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    page = (BASE_DIR / "docs" / "deploying.md").read_text()
    for name, service in services.items():
        assert set(service["environment"]) - {"PGOPTIONS", "PORT"} <= documented, name
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert all(f"\n{name}=" in page for name in (*ENVIRONMENT, "LISTEN"))


@pytest.mark.worker
def test_docker_compose_reads_it(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed.")
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in ENVIRONMENT.items()))
    command = [docker, "compose", "--file", str(FILE), "--env-file", str(file), "--profile", "*", "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
