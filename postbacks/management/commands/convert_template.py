"""`manage.py convert_template`: translates a postback of another network into the template language."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from commands.base import Command as BaseCommand
from commands.exit_codes import ExitCode
from commands.failing import UsageError
from postbacks.conversion.checked import Answer, Asked, ConversionError, convert, names
from postbacks.request.body import FORMATS


class Command(BaseCommand):
    help = """Translate the postback URL of another network into our template language.

  manage.py convert_template --from everflow 'https://partner.example/in?c={sub1}&p={payout_amount}'
  manage.py convert_template 'https://partner.example/in?c=#s2#&p=#price#'

The result is printed; what was translated, what to know and what is left go to standard error. What has no counterpart
stays as it stands. docs/macros.md lists the macros of each network with their sources.

Exit status: 0 all was translated, 1 something has no counterpart, 2 the input or the result is not valid."""

    requires_system_checks: list[str] = []  # Some query the database.

    json_keys = {
        "network": "key of the network that it was converted from",
        "name": "that network's name",
        "was_guessed": "whether its macros told the network",
        "url": "the URL in our template language",
        "headers": "the headers, a line each",
        "body": "the body",
        "translations": "list of {written, template, note}",
        "left": "list of {written, advice}: what has no counterpart",
        "conditions": "what to do or to check, in sentences",
        "warnings": "what the form would warn of",
        "problems": "why the result cannot be saved: lists of texts by field",
    }
    fails_if = "something has no counterpart and is left as it stands"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", metavar="URL", help="as it is set up there; - reads it from standard input")
        parser.add_argument(
            "--from",
            dest="network",
            default="",
            choices=tuple(names()),
            metavar="NETWORK",
            help=f"{', '.join(names())}; left out: the only network that has these macros",
        )
        parser.add_argument("--header", action="append", metavar="'NAME: VALUE'", help="a header; repeatable")
        parser.add_argument("--body", default="", help="the whole body of a POST")
        parser.add_argument("--body-format", default="", metavar="|".join(FORMATS), help="how that body is written")

    def handle(self, *_arguments: object, **options: Any) -> None:
        asked = Asked(
            sys.stdin.read() if options["url"] == "-" else options["url"],
            "\n".join(options["header"] or ()),
            options["body_format"].lower(),
            options["body"],
        )
        try:
            answer = convert(asked, options["network"])
        except ConversionError as error:
            raise UsageError(str(error)) from error
        if self.as_json:
            self.report(answer.as_json(), "")
        elif not answer.problems:
            self._print(answer)
        if answer.problems:
            messages = [f"{name}: {text}" for name, texts in answer.problems.items() for text in texts]
            raise UsageError(f"The result cannot be saved: {answer.url}\n" + "\n".join(messages))
        if answer.left:
            sys.exit(ExitCode.FAILED)

    def _print(self, answer: Answer) -> None:
        self.stdout.write("\n".join(filter(None, (answer.url, answer.headers))))
        if answer.body:
            self.stdout.write(f"\n{answer.body}")
        guessed = ", which its macros tell; name another with --from" if answer.was_guessed else ""
        self._say(f"From {names()[answer.network]}{guessed}.")
        self._list(
            "Translated:", (_told(f"{each.written} → {each.template}", each.note) for each in answer.translations)
        )
        self._list("To do, or to check:", answer.conditions)
        self._list(
            "Left as it stands, since nothing says the same:",
            (_told(each.written, each.advice) for each in answer.left),
        )
        self._list("Warnings:", answer.warnings)

    def _list(self, title: str, lines: Iterable[str]) -> None:
        lines = list(lines)
        if lines:
            self._say("\n".join([title, *(f"  {line}" for line in lines)]))

    def _say(self, text: str) -> None:
        self.stderr.write(text, style_func=str)  # Not in red: most of it is no error.


def _told(what: str, note: str) -> str:
    return f"{what}: {note}" if note else what
