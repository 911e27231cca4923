"""`import_rates`: all lines of a file, or none, with each mistake at its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from partners.models import ExchangeRate

pytestmark = pytest.mark.django_db


def run(folder: Path, text: str | bytes) -> str:
    file = folder / "rates.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    output = StringIO()
    call_command("import_rates", str(file), stdout=output)
    return output.getvalue().strip()


def table() -> list[tuple[date, str, str, Decimal]]:
    return list(ExchangeRate.objects.order_by("pk").values_list("date", "from_currency", "to_currency", "rate"))


def test_rates_are_added_replaced_or_left_as_they_are(tmp_path: Path) -> None:
    assert run(tmp_path, "date,from,to,rate\r\n2026-11-20,EUR,USD,1.0850\r\n\r\n2026-11-21,EUR,USD,1.09\r\n") == (
        "2 added, 0 changed, 0 unchanged."
    )
    again = "\ufeffDate, From, To, Rate\n2026-11-20,EUR,USD,1.0850\n2026-11-21,EUR,USD,1.1\n2026-11-21,JPY,USD,.0065\n"
    assert run(tmp_path, again) == "1 added, 1 changed, 1 unchanged."
    assert table() == [
        (date(2026, 11, 20), "EUR", "USD", Decimal("1.0850")),
        (date(2026, 11, 21), "EUR", "USD", Decimal("1.1")),
        (date(2026, 11, 21), "JPY", "USD", Decimal("0.0065")),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-13-01,EUR,USD,1", "date: '2026-13-01' is no day"),
        ("2026-11-20,eur,USD,1", "from: A currency is three capital letters"),
        ("2026-11-20,EUR,DOLLAR,1", "to: "),
        ("2026-11-20,EUR,USD,1.2.3", "rate: '1.2.3' is no number"),
        ("2026-11-20,EUR,USD,NaN", "rate: 'NaN' is no number"),
        ("2026-11-20,EUR,USD,-1", "rate: '-1' is no number"),
        ("2026-11-20,EUR,USD,0", "A rate is above 0."),
        ("2026-11-20,EUR,USD,0.123456789", "rate: Ensure that there are no more than 8 decimal places."),
        ("2026-11-20,EUR,EUR,1", "two different currencies"),
        ("2026-11-20,EUR,USD", "3 cells; 4 are expected"),
        ("2026-11-19,EUR,USD,2", "the pair has another rate on that day in a line above"),
        ('2026-11-20,EUR,"USD,1', "not CSV"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_nothing_is_taken(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(CommandError) as problem:
        run(tmp_path, f"date,from,to,rate\n2026-11-19,EUR,USD,1.08\n{line}\n")
    assert "Line 3: " in str(problem.value)
    assert said in str(problem.value)
    assert str(problem.value).endswith("Nothing was changed.")
    assert table() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Line 1: the columns must be date,from,to,rate"),
        ("from,to,rate,date\nEUR,USD,1,2026-11-20\n", "Line 1: the columns must be"),
        ("date,from,to,rate\n2026-11-20,EUR,USD,1\n".encode("utf-16"), "is not UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(tmp_path, text)


def test_many_mistakes_are_not_all_told_and_a_missing_file_is(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as problem:
        run(tmp_path, "date,from,to,rate\n" + "x\n" * 100)
    assert str(problem.value).count("Line ") == 20
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_rates", str(tmp_path / "none.csv"))
