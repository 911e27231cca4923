"""The header by which a receiver is told of the trace: on request only, and nothing else changes by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from actions.reports.parameters import sample_values
from postbacks.config_file.dump import dump_config
from postbacks.credentials.signing.signer import SigningKey, new_key
from postbacks.models import Postback
from postbacks.request.building import RequestErrors, RequestTemplate, compile_request
from tests.support.config_files import CONFIG, load
from value_types.secret_text import SecretText

MARK = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PLAIN = RequestTemplate("POST", "https://partner.example/in", "X-A: 1", "json", (("id", "{ActionId}"),))
TOLD = replace(PLAIN, send_trace=True)


@pytest.mark.parametrize("signed", [False, True])
def test_a_receiver_is_told_only_where_that_is_ticked_and_the_rest_stays_the_same(signed: bool) -> None:
    keys = (SigningKey(new_key()),) if signed else ()
    plain, told = (compile_request(replace(each, signing_keys=keys)) for each in (PLAIN, TOLD))
    values = sample_values()
    without = plain.build(values, "7", 1_700_000_000.0, MARK)
    assert "traceparent" not in without.headers
    assert without == plain.build(values, "7", 1_700_000_000.0) == told.build(values, "7", 1_700_000_000.0)
    with_trace = told.build(values, "7", 1_700_000_000.0, MARK)
    assert with_trace.headers == {**without.headers, "traceparent": MARK}
    assert with_trace.trace == MARK
    assert with_trace._replace(headers=without.headers, trace="") == without


def test_an_own_header_of_that_name_goes_out_as_ever() -> None:
    own = compile_request(replace(PLAIN, headers="Traceparent: {ActionId}"))
    values = sample_values()
    assert own.build(values, trace=MARK).headers["Traceparent"] == values["ActionId"]


@pytest.mark.parametrize(
    ("field", "template"),
    [
        ("headers", replace(TOLD, headers="X-A: 1\nTraceParent: {ActionId}")),
        ("secret_headers", replace(TOLD, secret_headers=(("TRACEPARENT", SecretText("x")),))),
    ],
)
def test_it_cannot_be_set_twice(field: str, template: RequestTemplate) -> None:
    with pytest.raises(RequestErrors) as refused:
        compile_request(template)
    (message,) = refused.value.fields[field]
    assert message.lower().startswith("traceparent is set by “send trace context”")


@pytest.mark.django_db
def test_files_say_it_too(tmp_path: Path) -> None:
    load(tmp_path, CONFIG.replace("        maximum_requests: 20\n", "        send_trace: true\n"))
    assert list(Postback.objects.filter(send_trace=True).values_list("name", flat=True)) == ["orders"]
    assert dump_config().count("send_trace: true") == 1
