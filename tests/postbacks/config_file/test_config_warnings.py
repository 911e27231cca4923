"""What is legal in a file but unlikely to be meant: loaded, and said."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from postbacks.models import Postback
from postbacks.request.building import sample_warnings
from postbacks.validation import request_template
from tests.support.config_files import CONFIG

pytestmark = pytest.mark.django_db

IGNORED = "is ignored: we name the encodings that we can read. Take it out."


def warnings_of(path: Path, text: str, *options: str) -> list[str]:
    """What the command says on its error output."""
    file = path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    said = io.StringIO()
    call_command("load_config", str(file), *options, stdout=io.StringIO(), stderr=said)
    return said.getvalue().splitlines()


def line_of(text: str, found: str) -> int:
    (number,) = [number for number, line in enumerate(text.splitlines(), 1) if found in line]
    return number


def with_header(line: str) -> str:
    return CONFIG.replace("          X-Brand: lakeside\n", f"          X-Brand: lakeside\n          {line}\n")


def test_what_nobody_can_object_to_is_loaded_without_a_word(tmp_path: Path) -> None:
    assert warnings_of(tmp_path, CONFIG) == []


@pytest.mark.parametrize("name", ["Accept-Encoding", "accept-encoding", "ACCEPT-ENCODING "])
@pytest.mark.parametrize("value", ["gzip", "", "identity;q=1, *;q=0", "{Oid}", "{Oid"])
def test_a_file_with_accept_encoding_loads_with_a_warning(tmp_path: Path, name: str, value: str) -> None:
    text = with_header(f"{name}: {value}")
    place = f"partners[0].postbacks[0].headers, line {line_of(text, 'headers: |')}"
    said = [f"Warning: {place}: line 2: {name.strip()} {IGNORED}"]

    assert warnings_of(tmp_path, text, "--dry-run") == said
    assert warnings_of(tmp_path, text) == said
    assert warnings_of(tmp_path, text) == said, "also where nothing changes"
    assert f"{name.strip()}" in Postback.objects.get(name="orders").headers, "what was typed stays"


def test_so_does_one_with_a_secret_accept_encoding(tmp_path: Path) -> None:
    secret = "        secret_headers: {Accept-Encoding: gzip, X-Token: abc}\n"
    text = CONFIG.replace("        minimum_delay:", f"{secret}        minimum_delay:")
    place = f"partners[0].postbacks[0].secret_headers, line {line_of(text, 'secret_headers')}"
    assert warnings_of(tmp_path, text) == [f"Warning: {place}: Accept-Encoding {IGNORED}"]


def test_every_warning_of_a_request_is_said_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = with_header("Accept-Encoding: gzip")
    text = text.replace("<id>{ActionId}</id>", "<id>{ActionId}")
    said = warnings_of(tmp_path, text)

    expected = [
        f"{each.message}"
        for postback in Postback.objects.order_by("pk")
        for each in sample_warnings(request_template(postback))
    ]
    assert len(expected) >= 2
    assert sorted(line.split(": ", 2)[2] for line in said) == sorted(expected)
    numbers = [int(line.split(", line ")[1].split(":")[0]) for line in said]
    assert numbers == sorted(numbers)
    place = f"media_sources[0].postbacks[0].body_raw, line {line_of(text, 'body_raw: |')}"
    assert said[-1].startswith(f"Warning: {place}: Filled in with sample values, the body is not valid XML")
