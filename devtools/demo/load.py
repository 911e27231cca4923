"""Loads the demo program."""

import subprocess
from pathlib import Path

from devtools.embedded import EmbeddedError, run_dir
from environment.addresses import LOCALHOST
from environment.program import PYTHON
from environment.variables import BASE_DIR

PROGRAM = Path(__file__).with_name("program.yaml")
PLACEHOLDER = "receiver.example"


def load_demo(receiver_port: int, environment: dict[str, str]) -> None:
    """Load or update the demo program, with its postbacks pointing at `receiver_port` of this machine.

    It runs as a separate process with the programs' `environment`: our settings were read before the demo was marked.
    """
    loaded = run_dir() / "demo.yaml"
    text = PROGRAM.read_text(encoding="utf-8")
    loaded.write_text(text.replace(PLACEHOLDER, f"{LOCALHOST}:{receiver_port}"), encoding="utf-8")
    done = subprocess.run(  # noqa: S603 -- our own command
        [*PYTHON, "-m", "config.command_line", "load_config", str(loaded)],
        cwd=BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EmbeddedError(f"The demo program could not be loaded:\n{(done.stderr or done.stdout).strip()}")
