"""Conditions of a postback in a configuration file."""

from pathlib import Path

import pytest

from postbacks.config_file.dump import dump_config
from postbacks.models import Postback
from tests.support.config_files import CONFIG, load, problems

pytestmark = pytest.mark.django_db

CONDITIONAL = CONFIG.replace(
    "        minimum_delay: 1h 30m\n",
    """\
        minimum_delay: 1h 30m
        conditions_match: any
        conditions:
          - {parameter: Amount, operator: at least, value: 50}
          - {parameter: items.cat, operator: one of, values: [Tents, "Stoves, small"], items: every}
          - {parameter: Note, operator: is not empty}
""",
)


def test_conditions_are_loaded_and_dumped_as_they_were(tmp_path: Path) -> None:
    load(tmp_path, CONDITIONAL)
    postback = Postback.objects.get(name="orders")
    assert postback.conditions_match == "any"
    assert postback.conditions == [
        {"parameter": "Amount", "operator": "at least", "values": ["50"]},
        {"parameter": "items.cat", "operator": "one of", "values": ["Tents", "Stoves, small"], "items": "every"},
        {"parameter": "Note", "operator": "is not empty", "values": []},
    ]
    dumped = dump_config()
    load(tmp_path, dumped.replace("value: '50'", "value: 60"))
    assert Postback.objects.get(name="orders").conditions[0]["values"] == ["60"]
    load(tmp_path, dumped)
    assert Postback.objects.get(name="orders").conditions == postback.conditions
    load(tmp_path, CONFIG)
    assert Postback.objects.get(name="orders").conditions == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("value: 50", "value: fifty", "Condition 1: Amount: “fifty” is not a number"),
        ("parameter: Amount", "parameter: Amoumt", "“Amoumt” is not a parameter. Did you mean Amount?"),
        ("parameter: Note", "parameter: CustomerCity", "The event type hides CustomerCity"),
        ("operator: at least", "operator: gte", "“gte” is no operator. Choose from: is, is not"),
        ("value: 50", "valuee: 50", "Condition 1: Unknown key valuee. Did you mean value?"),
        ("value: 50", "value: 50, values: [50]", "Condition 1: Give either value or values."),
        ("conditions_match: any", "conditions_match: some", '"some" is not allowed. Choose from all, any.'),
        ("          2xx\n", "          2xxx\n", "2xxx looks like a status and is none. Write 2xx"),
    ],
)
def test_what_is_wrong_with_conditions_and_rules_is_told(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in CONDITIONAL
    (problem,) = problems(tmp_path, CONDITIONAL.replace(before, after, 1))
    assert message in problem
