"""Attribution rules from a CSV file: the columns `key,value,partner`, and `program,start,end` where they are needed.

All of the file is taken, or nothing; it is read in pieces, so that it may hold every click of a month.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from django.core.exceptions import ValidationError
from django.db import transaction

from partners.ids import read_id
from partners.models import AttributionRule, Partner, Program

COLUMNS = ("key", "value", "partner")
MORE_COLUMNS = ("program", "start", "end")
MAX_MISTAKES = 20  # Enough to see what is wrong with a file.
_ROWS_AT_ONCE = 2_000

_Cells = dict[str, str]


class UnreadableRulesError(Exception):
    """The file cannot be taken; the text says of each line at fault what is wrong with it."""


def take_rules(lines: Iterable[str]) -> int:
    """Save the rules of the file in one transaction; how many lines it has.

    A rule that is known already, by key, value, program and first day, is replaced; so is one that comes again below.

    Raises:
        UnreadableRulesError: with up to `MAX_MISTAKES` mistakes and their lines; nothing is changed.
    """
    rows = _rows(csv.reader(lines, strict=True))
    mistakes: list[str] = []
    count = 0
    with transaction.atomic():
        while len(mistakes) < MAX_MISTAKES and (part := list(islice(rows, _ROWS_AT_ONCE))):
            count += len(part)
            rules = _checked(part, mistakes)
            if not mistakes:
                AttributionRule.objects.bulk_create(
                    rules,
                    update_conflicts=True,
                    unique_fields=["key", "value", "program", "start"],
                    update_fields=["partner", "end"],
                )
        if mistakes:
            raise UnreadableRulesError("\n".join(mistakes[:MAX_MISTAKES]))
    return count


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, _Cells | str]]:
    """Each line that is not blank: its number, and its cells by their names or what is wrong with it."""
    names = [name.strip().lower().removeprefix("\ufeff") for name in next(reader, [])]
    unknown = set(names) - {*COLUMNS, *MORE_COLUMNS}
    if unknown or not set(COLUMNS) <= set(names) or len(set(names)) < len(names):
        raise UnreadableRulesError(
            f"Line 1: the columns must be {', '.join(COLUMNS)}, and may be {', '.join(MORE_COLUMNS)}, each once."
        )
    number = 1
    try:
        for number, cells in enumerate(reader, 2):
            if not any(cells):
                continue
            if len(cells) != len(names):
                yield number, f"{len(cells)} cells; {len(names)} are expected."
            else:
                yield number, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
    except csv.Error as error:
        yield number + 1, f"not CSV: {error}."


def _checked(part: list[tuple[int, _Cells | str]], mistakes: list[str]) -> list[AttributionRule]:
    cells = [each for _, each in part if isinstance(each, dict)]
    partners = _existing(Partner, [each["partner"] for each in cells])
    programs = _existing(Program, [each.get("program", "") for each in cells])
    rules: dict[tuple[object, ...], AttributionRule] = {}
    for number, row in part:
        try:
            if isinstance(row, str):
                raise ValueError(row)  # noqa: TRY301, TRY004 -- one place adds the line
            rule = _rule(row, partners, programs)
            rules[rule.key, rule.value, rule.program_id, rule.start] = rule
        except ValueError as error:
            mistakes.append(f"Line {number}: {error}")
    return list(rules.values())


def _existing(model: type[Partner] | type[Program], ids: list[str]) -> set[str]:
    numbers = {each for each in ids if read_id(each) is not None}
    return {str(pk) for pk in model.objects.filter(pk__in=numbers).values_list("pk", flat=True)}


def _rule(row: _Cells, partners: set[str], programs: set[str]) -> AttributionRule:
    if row["partner"] not in partners:
        raise ValueError(f"partner: there is no partner {row['partner']!r}; its id is expected.")
    program = row.get("program", "")
    if program and program not in programs:
        raise ValueError(f"program: there is no program {program!r}; its id is expected, or nothing for all.")
    rule = AttributionRule(
        key=row["key"].lower(),
        value=row["value"],
        partner_id=int(row["partner"]),
        program_id=int(program) if program else None,
        start=_day("start", row),
        end=_day("end", row),
    )
    if rule.start and rule.end and rule.end < rule.start:
        raise ValueError("end: a rule cannot end before it starts.")
    try:
        rule.clean_fields(exclude=("partner", "program"))
        rule.clean()
    except ValidationError as error:
        texts = [f"{name}: {text}" for name, messages in error.message_dict.items() for text in messages]
        known = f" Keys are {', '.join(AttributionRule.Key.values)}." if "key" in error.message_dict else ""
        raise ValueError(" ".join(texts) + known) from None
    return rule


def _day(name: str, row: _Cells) -> date | None:
    text = row.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{name}: {text!r} is no day; expected is one such as 2026-11-20.") from None
