"""A real Redis that asks for a password and speaks TLS only, with the certificates that a deployment would make."""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devtools.up.ports import answers, find_free
from environment.addresses import LOCALHOST
from environment.variables import BASE_DIR
from tests.support.processes import stop

PASSWORD = "0f1e2d3c"
_START_SECONDS = 10


@contextmanager
def running_tls_redis() -> Iterator[tuple[int, Path]]:
    """Its port, and the authority's certificate. Skips the test where Redis is not installed, or built without TLS."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis with TLS is not installed (Debian: apt-get install redis-server).")
    with tempfile.TemporaryDirectory(prefix="redis-tls-") as name:
        folder, port = Path(name), find_free()
        make_certificates(folder)
        files = {"cert": "redis.crt", "key": "redis.key", "ca-cert": "ca.crt"}
        certificates = [word for kind, file in files.items() for word in (f"--tls-{kind}-file", str(folder / file))]
        process = subprocess.Popen(
            [
                *(program, "--bind", LOCALHOST, "--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"),
                *(*certificates, "--requirepass", PASSWORD, "--save", "", "--dir", name),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + _START_SECONDS
            while not answers(port):
                if process.poll() is not None:
                    pytest.skip("The installed Redis was built without TLS.")
                assert time.monotonic() < until, "Redis does not start."
                time.sleep(0.02)
            yield port, folder / "ca.crt"
        finally:
            stop(process)


def make_certificates(folder: Path) -> str:
    """Runs the script of the deployment; what it says."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes certificates, is not installed (Debian: apt-get install openssl).")
    script = BASE_DIR / "deploy" / "redis" / "make-certificates.sh"
    command = ["sh", str(script), str(folder), getpass.getuser(), "redis"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout
