"""What is offered to whoever writes a template: the palette of a form, and the reference in the documentation."""

import io
import json
import re

from django.core.management import call_command

from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS, sample_values
from environment.variables import BASE_DIR
from postbacks.request.template import Place, compile_template
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.palette import palette
from postbacks.request.template.reference import reference

DOCS = BASE_DIR / "docs"
CODE = re.compile(r"`((?:[^`])+)`")


def render(source: str) -> str:
    return compile_template(source, Place.TEXT).render(sample_values())


def test_the_palette_is_ready_for_json_and_holds_everything() -> None:
    data = json.loads(json.dumps(palette()))
    assert data == palette()
    assert [each["name"] for each in data["parameters"]] == list(PARAMETERS)
    assert [each["name"] for each in data["item_attributes"]] == list(ITEM_ATTRIBUTES)
    assert [each["name"] for each in data["functions"]] == list(FUNCTIONS)
    assert data["parameters"][0] == {
        "name": "CampaignId",
        "insert": "{CampaignId}",
        "type": "number",
        "description": "The program's id",
        "example": "1000",
        "documented": True,
        "events": ["created", "modified", "reversed", "restored"],
        "carried": "every event",
    }
    assert data["item_attributes"][2] == {
        "name": "qty",
        "insert": "{i.qty}",
        "type": "number",
        "description": "How many were bought",
        "example": "3",
    }
    assert next(each for each in data["functions"] if each["name"] == "number") == {
        "name": "number",
        "insert": '{number(Amount, 1, ",", ".")}',
        "signature": "number(value, [decimals], [point], [thousands])",
        "arguments": [
            {"name": "value", "type": "value", "default": None},
            {"name": "decimals", "type": "whole number", "default": "as many as it has"},
            {"name": "point", "type": "text", "default": '"."'},
            {"name": "thousands", "type": "text", "default": '""'},
        ],
        "description": FUNCTIONS["number"].summary,
        "example": '{number(Amount, 1, ",", ".")}',
        "result": "107,2",
    }


def test_whatever_a_click_inserts_can_be_used() -> None:
    data = palette()
    for parameter in data["parameters"]:
        assert render(parameter["insert"]) == parameter["example"]
    for attribute in data["item_attributes"]:
        source = f"{{join(items, i, '{attribute['insert']}', ',')}}"
        assert render(source).split(",")[0] == attribute["example"]
    for function in data["functions"]:
        assert render(function["insert"]) == function["result"] != ""


DEFAULTS = {
    "phone calling code": ("{phone('+15550100199'%s)}", ", ''"),
    "mac separator": ("{mac(macAddress%s)}", ", ':'"),
    "number point": ("{number('2.5', 1%s)}", ", '.'"),
    "number thousands": ("{number('2500.5', 1, '.'%s)}", ", ''"),
    "map otherwise": ("<{map(Oid, 'x', 1%s)}>", ", ''"),
    "if otherwise": ("<{if(Oid empty, 1%s)}>", ", ''"),
    "join separator": ("{join(items, i, '{i.sku}'%s)}", ", ''"),
    "join prefix": ("{join(items, i, '{i.sku}', ','%s)}", ", ''"),
}


def test_an_argument_left_out_is_the_declared_default() -> None:
    declared = {
        f"{function.name} {argument.name}": argument.default.replace('"', "'")
        for function in FUNCTIONS.values()
        for argument in function.arguments
        if argument.default.startswith('"')
    }
    assert declared == {name: given.removeprefix(", ") for name, (_source, given) in DEFAULTS.items()}
    for source, given in DEFAULTS.values():
        assert render(source % "") == render(source % given)


def test_the_reference_is_checked_in_as_the_command_prints_it() -> None:
    printed = io.StringIO()
    call_command("template_reference", stdout=printed)
    assert (DOCS / "templates.md").read_text(encoding="utf-8") == printed.getvalue() == reference(), (
        "Renew it by: manage.py template_reference > docs/templates.md"
    )


def test_every_example_of_the_reference_gives_the_result_beside_it() -> None:
    checked = 0
    for line in (DOCS / "templates.md").read_text(encoding="utf-8").splitlines():
        cells = [code.replace("\\|", "|") for code in CODE.findall(line)]
        if not line.startswith("| `") or len(cells) < 2:
            continue
        if cells[0].startswith("{i."):
            source, expected = f'{{join(items, i, "{cells[0]}|")}}', cells[1]
            assert render(source).split("|")[0] == expected
        elif cells[0].startswith("{"):
            assert render(cells[0]) == cells[1]
        elif cells[0].startswith("%"):
            assert render(f"{{date(EventDate, '%Y{cells[0]}')}}") == f"2026{cells[-1]}"
        else:
            assert render(cells[-2]) == cells[-1]
        checked += 1
    assert checked == len(PARAMETERS) + len(ITEM_ATTRIBUTES) + len(FUNCTIONS) + 23


def test_every_template_in_the_prose_compiles() -> None:
    text = (DOCS / "template-language.md").read_text(encoding="utf-8")
    codes = CODE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    outside_of_joins = [code for code in codes if "{" in code and ("join(" in code or not re.search(r"\{i[.}]", code))]
    assert len(outside_of_joins) > 25
    for source in outside_of_joins:
        compile_template(source, Place.TEXT)
    assert render('{number("2.5", 0)}{number("3.5", 0)} {number("1234.5", 2, ",", ".")}') == "24 1.234,50"
