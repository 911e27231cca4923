"""The tables of `docs/roles.md`, as the test of the roles reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.roles.table import Role
from environment.variables import BASE_DIR

_FILE = BASE_DIR / "docs" / "roles.md"


@dataclass(frozen=True, slots=True)
class PageRow:
    """What each role may do with the rows of a model, `app.name`: see, add, change, delete."""

    model: str
    verbs: dict[Role, frozenset[str]]


@dataclass(frozen=True, slots=True)
class AddressRow:
    """Who may ask a path, in which `{id}` stands for a row of the model that the path names, by which methods."""

    path: str
    methods: frozenset[str]
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class ActionRow:
    """Who is offered an action on chosen rows."""

    model: str
    name: str
    roles: frozenset[Role]


def pages() -> list[PageRow]:
    return [
        PageRow(_code(model), {role: _verbs(cell) for role, cell in zip(Role, cells, strict=True)})
        for _page, model, *cells in _table("page")
    ]


def addresses() -> list[AddressRow]:
    return [
        AddressRow(_code(path), frozenset(methods.split(", ")), _yes(cells))
        for _what, path, methods, *cells in _table("what else")
    ]


def actions() -> list[ActionRow]:
    return [
        ActionRow(_code(model), _code(name), _yes(cells))
        for _what, model, name, *cells in _table("action on chosen rows")
    ]


def _table(first: str) -> Iterator[list[str]]:
    """The rows of the table whose first heading is this."""
    lines = iter(_FILE.read_text().splitlines())
    for line in lines:
        if _cells(line)[:1] == [first]:
            assert _cells(line)[-3:] == list(Role), line
            next(lines)
            for row in lines:
                if not row.startswith("|"):
                    return
                yield _cells(row)
    raise AssertionError(f"{_FILE} has no table that begins with “{first}”.")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def _code(cell: str) -> str:
    assert cell.startswith("`"), cell
    return cell.strip("`")


def _verbs(cell: str) -> frozenset[str]:
    verbs = frozenset() if cell == "-" else frozenset(cell.split(", "))
    assert verbs <= {"see", "add", "change", "delete"}, cell
    return verbs


def _yes(cells: list[str]) -> frozenset[Role]:
    assert set(cells) <= {"yes", "no"}, cells
    return frozenset(role for role, cell in zip(Role, cells, strict=True) if cell == "yes")
