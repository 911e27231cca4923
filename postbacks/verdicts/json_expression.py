"""A JMESPath expression that must be true, checked when it is written and harmless when it is asked.

The library finds an unknown function or a wrong number of arguments only when it gets there with data, and takes
`status == "ok"` for a comparison of two fields, which is even true when both are absent. All are refused here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

import jmespath
from jmespath.exceptions import EmptyExpressionError, IncompleteExpressionError, JMESPathError, ParseError
from jmespath.functions import Functions, signature
from jmespath.lexer import Lexer
from jmespath.parser import ParsedResult
from jmespath.visitor import Options, TreeInterpreter

from postbacks.verdicts.effort import Effort

_COMPARISONS = {"eq", "ne", "lt", "lte", "gt", "gte"}
_HINT = "Texts stand in single quotes, numbers, true, false and null in backticks: code == `0` && status == 'ok'."


@dataclass(frozen=True, slots=True)
class JsonExpression:
    """A checked expression; made by `compile_expression`."""

    compiled: ParsedResult

    def is_true(self, document: Any, effort: Effort) -> bool:
        """Whether the result for this JSON value is exactly `true`. The text "true", a 1 or a list that is not empty
        is not: a receiver that answers `{"success": "false"}` must not pass. Raises TooMuchEffortError."""
        try:
            return _Interpreter(effort).visit(self.compiled.parsed, document) is True
        except (ArithmeticError, RecursionError, TypeError, ValueError):
            # Functions refuse values of other types (JMESPathError is a ValueError), and a partner chooses the values.
            return False


class _Interpreter(TreeInterpreter):
    """Spends effort for what it does, looks at and makes. Without that, a text of the expression that doubles its
    document at each step, `[@,@]` and so on, would need millions of values, and `@ == @` would look at all of them."""

    def __init__(self, effort: Effort) -> None:
        super().__init__(Options(custom_functions=_Functions(effort)))
        self._effort = effort

    def visit(self, node: Any, *values: Any) -> Any:
        self._effort.spend(1)
        result = super().visit(node, *values)
        if node["type"].startswith("multi_select"):
            _spend_on(result, self._effort)
        elif node["type"] in _COPIES and result:
            self._effort.spend(len(result))
        return result

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """As the library's, once what is compared has been paid for."""
        sides = [self.visit(child, value) for child in node["children"]]
        for side in sides:
            _spend_on(side, self._effort)
        ready: Any = {**node, "children": [{"type": "literal", "value": side, "children": []} for side in sides]}
        return super().visit_comparator(ready, value)


_COPIES = {"flatten", "slice"}


class _Functions(Functions):
    def __init__(self, effort: Effort) -> None:
        self._effort = effort

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        arguments = list(resolved_args)
        for argument in arguments:
            _spend_on(argument, self._effort)
        return super().call_function(function_name, arguments)

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        self._effort.spend(len(separator) * len(texts) + sum(map(len, texts)))
        return separator.join(texts)


def _spend_on(value: Any, effort: Effort) -> None:
    """The whole size of a value: of a part that stands in it twice, twice."""
    rest = [value]
    while rest:
        match rest.pop():
            case list() as values:
                effort.spend(1)
                rest += values
            case dict() as values:
                effort.spend(1)
                rest += values.values()
            case str() as text:
                effort.read(text)
            case _:
                effort.spend(1)


def compile_expression(text: str) -> JsonExpression:
    """The checked expression. Raises ValueError with what is wrong and what to do."""
    try:
        compiled = jmespath.compile(text)
    except EmptyExpressionError as problem:
        raise ValueError("json: needs a JMESPath expression, such as json: status == 'ok'.") from problem
    except (JMESPathError, RecursionError) as problem:
        raise ValueError(f"This is not a JMESPath expression: {_place(problem)}. {_HINT}") from problem
    _refuse_names_compared_by_mistake(text)
    for node in _nodes(compiled.parsed):
        if node["type"] == "function_expression":
            _check_call(node["value"], len(node["children"]))
    return JsonExpression(compiled)


def _place(problem: Exception) -> str:
    if isinstance(problem, IncompleteExpressionError):
        return "it ends too early"
    return f"see its column {problem.lex_position + 1}" if isinstance(problem, ParseError) else "it nests too deep"


def _refuse_names_compared_by_mistake(text: str) -> None:
    """`status == "ok"` and `success == true` name the fields ok and true."""
    for before, token in pairwise(Lexer().tokenize(text)):
        if before["type"] in _COMPARISONS:
            sign, name = before["value"], token["value"]
            if token["type"] == "quoted_identifier":
                raise ValueError(f"\"{name}\" after {sign} names a field. For the text write '{name}'.")
            if token["type"] == "unquoted_identifier" and name in {"true", "false", "null"}:
                raise ValueError(f"{name} after {sign} names a field. For the value write `{name}`.")


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node["children"]:
        if isinstance(child, dict):  # A slice holds plain numbers.
            yield from _nodes(child)


def _check_call(name: str, arguments: int) -> None:
    function = Functions.FUNCTION_TABLE.get(name)
    if function is None:
        close = get_close_matches(name, Functions.FUNCTION_TABLE, n=1)
        question = f" Did you mean {close[0]}()?" if close else ""
        raise ValueError(f"{name}() is not a JMESPath function.{question}")
    signature = function["signature"]
    variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if arguments < len(signature) or (arguments > len(signature) and not variadic):
        least = "at least " if variadic else ""
        raise ValueError(f"{name}() takes {least}{len(signature)} arguments and has {arguments}.")
