"""Answers that are not what was asked for, in the shape that all errors of the API have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse

from actions.api.answers import answer, error_content
from postbacks.config_file.problems import Problem


class RefusedError(Exception):
    """The request is not fulfilled. `entries` names the fields at fault."""

    def __init__(self, status: int, message: str, field: str = "", code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.content = error_content(message, field, code)


class ProblemsError(RefusedError):
    """What was sent cannot be saved: every problem, by its key."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        entries = [_entry(problem) for problem in problems]
        super().__init__(400, entries[0]["message"])
        self.content["errors"] = entries


def no_such(what: str, key: str) -> RefusedError:
    """There is none, or the token does not see it."""
    return RefusedError(404, f"There is no {what} {key[:50]!r}.")


def answer_refused(request: HttpRequest, refused: Any) -> HttpResponse:
    return answer(request, refused.content, refused.status)


def _entry(problem: Problem) -> dict[str, Any]:
    path = problem.place.path
    text = f"{path}: {problem.message}" if path else problem.message
    return {"field": path, "level": "ERROR", "message": text}
