"""The facts without which a figure means nothing: the machine, its software, and its load."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import pycurl
from django.db import connection

from benchmarks.receivers import nginx_version
from benchmarks.surroundings import ROOT
from postbacks.delivery.redis import client


def facts() -> dict[str, Any]:
    """The facts, ready for JSON. Needs the embedded servers running."""
    redis: Any = client.info("server")
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
        "python": f"{platform.python_version()} ({Path(sys.executable).resolve()})",  # How it was built counts too.
        "libcurl": re.sub(r".*libcurl/(\S+).*", r"\1", pycurl.version),
        "postgresql": connection.cursor().connection.info.parameter_status("server_version"),
        "redis": f"Valkey {redis['valkey_version']}" if "valkey_version" in redis else redis["redis_version"],
        "nginx": nginx_version(),
        "django": version("django"),
        "celery": version("celery"),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed_files": len(_git("status", "--porcelain").splitlines()),
    }


def _cpu() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.processor()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
