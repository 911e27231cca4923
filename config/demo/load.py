"""Loads the demo program."""

from pathlib import Path

from django.core.management import call_command

from config.embedded import run_dir
from config.up.ports import LOCALHOST

PROGRAM = Path(__file__).with_name("program.yaml")
PLACEHOLDER = "receiver.example"


def load_demo(receiver_port: int) -> None:
    """Load the demo program, or bring it up to date, with its postbacks pointing at `receiver_port` of this machine."""
    loaded = run_dir() / "demo.yaml"
    text = PROGRAM.read_text(encoding="utf-8")
    loaded.write_text(text.replace(PLACEHOLDER, f"{LOCALHOST}:{receiver_port}"), encoding="utf-8")
    call_command("load_config", str(loaded), verbosity=0)
