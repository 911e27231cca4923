"""Success and error rules: from the lines that an operator writes to the verdict on a response.

A rule is one line: a status (`200`, `2xx`, `200-204`), a regular expression between slashes (`/denied/`, flags `i`, `m`
and `s` after the last slash), `json:` with a JMESPath expression whose result must be exactly `true`, or else a text
that the body must contain, upper and lower case told apart. Statuses judge the status; the other three, called content
rules, judge the body.

1. Error rules first, on any status: one match and the attempt failed.
2. No success rules: any 2xx is a success.
3. Status rules for success can accept any status, also a 404.
4. Content rules for success count on a 2xx only: real receivers answer 500 with the word OK in the body.
5. Where both kinds are given, one of each must match.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

import orjson

from postbacks.verdicts.doubts import refuse_doubtful
from postbacks.verdicts.effort import MOST_STEPS, Effort, TooMuchEffortError, TooSlowError
from postbacks.verdicts.json_expression import JsonExpression, compile_expression
from postbacks.verdicts.regular_expression import RegularExpression, parse_regex

Field = Literal["success_response", "error_response"]

_STATUS = re.compile(r"(\d{3})(?:\s*-\s*(\d{3}))?|(\d)xx", re.ASCII | re.IGNORECASE)
_SEVERAL_STATUSES = re.compile(r"\d(?:\d\d|xx)(?:[\s,;]+\d(?:\d\d|xx))+", re.ASCII | re.IGNORECASE)
_JSON = re.compile(r"json:(.*)", re.IGNORECASE)
# Line ends that a regular expression names, in the spellings of the package `regex`.
_NAMES_RETURN = re.compile(r"\\(?:[rR]|x0[dD]|u000[dD]|0?15)")
_NAMES_LINE_END = re.compile(rf"{_NAMES_RETURN.pattern}|\\(?:n|x0[aA]|u000[aA]|0?12)")

_RULES_KEPT_COMPILED = 4096  # Distinct pairs of texts; a large installation has some thousand postbacks.
# Of one field, and of one line: far beyond what a person writes, and little enough to compile and to ask.
_MOST_LINES = 50
_MOST_CHARACTERS = 1000
_SHOWN_RULE_LENGTH = 80  # A reason is one line in a table.


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a response is a success, and why, in one short sentence for operators.

    `undecided`: the clock cut the rules off, so that nothing is known about the response.
    """

    success: bool
    reason: str
    undecided: bool = False


class RuleError(ValueError):
    """A rule that cannot be used: `field` and 1-based `line` say where, `problem` what is wrong and what to do."""

    def __init__(self, field: Field, line: int, problem: str) -> None:
        super().__init__(f"{field}, line {line}: {problem}")
        self.field = field
        self.line = line
        self.problem = problem


_NO_JSON = object()


@dataclass(frozen=True)
class _Body:
    text: str
    effort: Effort

    @cached_property
    def document(self) -> Any:
        """The body as JSON; `_NO_JSON` if it is none."""
        try:
            return orjson.loads(self.text)
        except orjson.JSONDecodeError:
            return _NO_JSON

    def for_regex(self, expression: str) -> str:
        """What a regular expression looks at: line ends as it expects them, unless it speaks of them itself.

        `$` knows no line end but `\\n`, and at the end of a text only one of them.
        """
        text = self.text
        if "\r" in text and not _NAMES_RETURN.search(expression):
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if text.endswith("\n\n") and not _NAMES_LINE_END.search(expression):
            text = text.rstrip("\n") + "\n"
        return text


@dataclass(frozen=True, slots=True)
class StatusRule:
    """Matches the statuses from `first` to `last`."""

    line: str
    first: int
    last: int

    def matches(self, status: int) -> bool:
        return self.first <= status <= self.last


@dataclass(frozen=True, slots=True)
class _TextRule:
    line: str

    @property
    def in_words(self) -> str:
        return f"contains “{_shown(self.line)}”"

    def matches(self, body: _Body) -> bool:
        body.effort.read(body.text)
        return self.line in body.text


@dataclass(frozen=True, slots=True)
class _RegexRule:
    line: str
    pattern: RegularExpression

    @property
    def in_words(self) -> str:
        return f"matches {_shown(self.line)}"

    def matches(self, body: _Body) -> bool:
        return self.pattern.found_in(body.for_regex(self.line), body.effort)


@dataclass(frozen=True, slots=True)
class _JsonRule:
    line: str
    expression: JsonExpression

    @property
    def in_words(self) -> str:
        return f"is JSON for which {_shown(self.line.partition(':')[2].strip())} is true"

    def matches(self, body: _Body) -> bool:
        return body.document is not _NO_JSON and self.expression.is_true(body.document, body.effort)


class _GivenUpError(Exception):
    """The rules took too much on an answer; the verdict says at which line."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


ContentRule = _TextRule | _RegexRule | _JsonRule
"""Matches bodies; `in_words` says which, after “the body”."""
_Rule = StatusRule | ContentRule


@dataclass(frozen=True, slots=True)
class Rules:
    """The compiled rules of one postback; made by `compile_rules`."""

    success_statuses: tuple[StatusRule, ...]
    success_contents: tuple[ContentRule, ...]
    error_statuses: tuple[StatusRule, ...]
    error_contents: tuple[ContentRule, ...]
    # The verdicts by status of rules that look at nothing else, as most: made once, not for each answer.
    _known: dict[int, Verdict] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def read_bodies(self) -> bool:
        """Whether any rule looks at the body."""
        return bool(self.success_contents or self.error_contents)

    def judge(self, status: int, body: str, unreadable: str = "") -> Verdict:
        """The verdict on a response: its status and as much of its body as was read. Never raises.

        `unreadable` is a sentence that says why the body could not be read. It fails the response where a rule would
        have to look at the body, and a status rule does not fail it already.
        """
        if unreadable:
            return self._judge_unread(status, unreadable.removesuffix("."))
        if not self.read_bodies:
            known = self._known.get(status)
            if known is None:
                known = self._known[status] = self._judge(status, _Body("", Effort()))
            return known
        try:
            return self._judge(status, _Body(body, Effort()))
        except _GivenUpError as given_up:
            return given_up.verdict

    def _judge_unread(self, status: int, why: str) -> Verdict:
        verdict = replace(self, success_contents=(), error_contents=()).judge(status, "")
        if not verdict.success:
            return verdict
        if self.success_contents or self.error_contents:
            return _failed(f"{why}: no rule can judge it")
        return Verdict(success=True, reason=f"{verdict.reason}, and no rule asks for its body. {why}.")

    def _judge(self, status: int, content: _Body) -> Verdict:
        # Content before status: the rule that is named must not depend on the order of the lines.
        for content_rule in self.error_contents:
            if _matches(content_rule, content):
                return _failed(f"The error rule {_shown(content_rule.line)} matched")
        for status_rule in self.error_statuses:
            if status_rule.matches(status):
                return _failed(f"Status {status} matched the error rule {_shown(status_rule.line)}")
        return self._judge_success(status, content)

    def _judge_success(self, status: int, body: _Body) -> Verdict:
        is_2xx = 200 <= status <= 299
        if self.success_statuses:
            if not any(rule.matches(status) for rule in self.success_statuses):
                expected = _alternatives(self.success_statuses)
                return _failed(f"Status {status} is not a success: expected {expected}")
        elif not is_2xx:
            return _failed(f"Status {status} is not a success")
        if not self.success_contents:
            return Verdict(success=True, reason=f"Status {status} is a success")
        expected = _alternatives(self.success_contents)
        if not is_2xx:
            reason = f"Status {status} is not a success: {expected} counts only with a 2xx"
            return _failed(reason)
        for rule in self.success_contents:
            if _matches(rule, body):
                return Verdict(success=True, reason=f"The success rule {_shown(rule.line)} matched")
        return _failed(f"No success rule matched: expected {expected} in the body")


def _matches(rule: ContentRule, body: _Body) -> bool:
    try:
        return rule.matches(body)
    except TooMuchEffortError as error:
        reason = f"The rules take more than {MOST_STEPS:,} steps on this answer, at {_shown(rule.line)}: simplify them"
        raise _GivenUpError(_failed(reason)) from error
    except TooSlowError as error:
        reason = f"The rule {_shown(rule.line)} took too long on this answer: simplify it"
        raise _GivenUpError(Verdict(success=False, reason=reason, undecided=True)) from error


@lru_cache(maxsize=_RULES_KEPT_COMPILED)
def compile_rules(success: str, error: str) -> Rules:
    """The rules of the two texts, one a line, blank lines ignored; kept by content. Raises the first `RuleError`."""
    success_statuses, success_contents = _compile_field("success_response", success)
    error_statuses, error_contents = _compile_field("error_response", error)
    return Rules(success_statuses, success_contents, error_statuses, error_contents)


def rule_errors(field: Field, text: str) -> list[RuleError]:
    """Every bad line of one field, for a form or a file check that names them all at once.

    Also those that can be read, but not as they are meant: what looks like a status and is text. What was saved before
    goes on.
    """
    return [rule for rule in _parsed_lines(field, text, doubts=True) if isinstance(rule, RuleError)]


def _compile_field(field: Field, text: str) -> tuple[tuple[StatusRule, ...], tuple[ContentRule, ...]]:
    statuses: list[StatusRule] = []
    contents: list[ContentRule] = []
    for rule in _parsed_lines(field, text):
        if isinstance(rule, RuleError):
            raise rule
        if isinstance(rule, StatusRule):
            statuses.append(rule)
        else:
            contents.append(rule)
    return tuple(statuses), tuple(contents)


def _parsed_lines(field: Field, text: str, *, doubts: bool = False) -> Iterator[_Rule | RuleError]:
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        yield RuleError(field, _MOST_LINES + 1, f"There are {len(lines):,} lines, and {_MOST_LINES} are the most.")
        return
    for number, line in enumerate(lines, start=1):
        if stripped := line.strip():
            try:
                rule = _parse(stripped)
                if doubts and isinstance(rule, _TextRule):
                    refuse_doubtful(stripped)
                yield rule
            except ValueError as problem:
                yield RuleError(field, number, str(problem))


def _parse(line: str) -> _Rule:
    """The rule of one line; raises ValueError with what is wrong with it."""
    if len(line) > _MOST_CHARACTERS:
        raise ValueError(f"{_shown(line)} has {len(line):,} characters, and {_MOST_CHARACTERS:,} are the most.")
    if status := _STATUS.fullmatch(line):
        return _parse_status(line, *status.groups())
    if _SEVERAL_STATUSES.fullmatch(line):
        raise ValueError(f"{_shown(line)} names several statuses. Write one rule a line, or a range such as 200-204.")
    if line.startswith("/"):
        return _RegexRule(line, parse_regex(line, _shown(line)))
    if json := _JSON.fullmatch(line):
        return _JsonRule(line, compile_expression(json[1].strip()))
    return _TextRule(line)


def _parse_status(line: str, first: str | None, last: str | None, hundreds: str | None) -> StatusRule:
    if hundreds is not None:
        lowest, highest = int(hundreds) * 100, int(hundreds) * 100 + 99
    else:
        lowest = int(first or 0)
        highest = int(last or lowest)
    if not 100 <= lowest <= highest <= 599:
        if lowest > highest:
            raise ValueError(f"The range {line} runs backwards. Write {highest}-{lowest}.")
        raise ValueError(
            f"{line} is not an HTTP status: they run from 100 to 599. To look for it in the body write /{line}/."
        )
    return StatusRule(line, lowest, highest)


def _failed(reason: str) -> Verdict:
    return Verdict(success=False, reason=reason)


def _shown(line: str) -> str:
    return line if len(line) <= _SHOWN_RULE_LENGTH else line[: _SHOWN_RULE_LENGTH - 1] + "…"


def _alternatives(rules: tuple[_Rule, ...]) -> str:
    return " or ".join(_shown(rule.line) for rule in rules)
