"""What a function of the template language declares about itself: parsing, messages and reference come from it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from postbacks.request.template import limits
from postbacks.request.template.tokens import Token, TokenKind


class ArgumentKind(Enum):
    """How an argument is written. All but VALUE and CONDITION are fixed when the template is compiled."""

    VALUE = "a value"
    CONDITION = "a condition"
    TEXT = "a text in quotes"
    WHOLE_NUMBER = "a whole number"
    LIST = "items"
    LOOP_NAME = "a name such as i"
    TEMPLATE = "a template in quotes"

    def is_written_as(self, token: Token) -> bool:
        """Whether a fixed argument of this kind may be written so."""
        if self in (ArgumentKind.LIST, ArgumentKind.LOOP_NAME):
            return token.kind is TokenKind.NAME
        if self is ArgumentKind.WHOLE_NUMBER:
            return token.kind is TokenKind.NUMBER and token.text.isdigit() and len(token.text) <= limits.DIGITS
        return token.kind is TokenKind.STRING


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. `default` says, as written or in words, what holds where it is left out; empty: it must come."""

    name: str
    kind: ArgumentKind = ArgumentKind.VALUE
    default: str = ""

    @property
    def optional(self) -> bool:
        return bool(self.default)


class BadArgumentError(ValueError):
    """A fixed argument that the function cannot use.

    `index` counts all arguments from 0, `position` the characters within the argument.
    """

    def __init__(self, index: int, message: str, hint: str = "", position: int = 0) -> None:
        super().__init__(message)
        self.index = index
        self.hint = hint
        self.position = position


Apply = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Function:
    """A function's name, arguments, one-line meaning and example.

    `bind` takes the fixed arguments (missing ones left out) and returns what turns the values into the result;
    it is None for the forms that the language itself defines. `repeats` lets the last two of the arguments that must
    come, come again. The result is a number for JSON if the arguments at `numeric_like` all are (none to ask:
    always), and text if that is None; `boolean` marks one that is always true or false.
    """

    name: str
    arguments: tuple[Argument, ...]
    summary: str
    example: str
    bind: Callable[..., Apply] | None = None
    repeats: bool = False
    numeric_like: tuple[int, ...] | None = None
    boolean: bool = False

    @property
    def fewest(self) -> int:
        return sum(not argument.optional for argument in self.arguments)

    @property
    def most(self) -> int | None:
        """How many arguments it takes at most; None if there is no bound."""
        return None if self.repeats else len(self.arguments)

    def argument(self, index: int) -> Argument | None:
        """The argument at this place, counted from 0; None if there is none so far out."""
        if index < len(self.arguments):
            return self.arguments[index]
        return self.arguments[-1] if self.repeats else None

    @property
    def signature(self) -> str:
        """`truncate(value, length)`; optional arguments in brackets."""
        names = [f"[{each.name}]" if each.optional else each.name for each in self.arguments]
        if self.repeats:
            names.insert(self.fewest, "…")
        return f"{self.name}({', '.join(names)})"

    @property
    def usage(self) -> str:
        """How it is written, for whoever wrote it otherwise."""
        return f"It is written {self.signature}: {self.example}"
