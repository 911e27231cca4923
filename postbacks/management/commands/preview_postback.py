"""`manage.py preview_postback`: shows the request that would be sent, without sending it."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError

from actions.reports.parameters import sample_values
from commands.base import Command as BaseCommand
from commands.failing import UsageError
from postbacks.credentials.secrets.mask import shown
from postbacks.preview import (
    EventFileError,
    PreviewEvent,
    configured_refusal,
    configured_request,
    read_event,
    recorded_event,
)
from postbacks.request.body import FORMATS
from postbacks.request.building import (
    UNFETCHED,
    Request,
    RequestErrors,
    RequestTemplate,
    Unbuildable,
    compile_request,
)
from postbacks.request.check import ill_formed

# Options that describe a request, by name in the parsed options; a configured postback has its own.
_REQUEST_OPTIONS: Final = {
    "url": "--url",
    "method": "--method",
    "body_format": "--body-format",
    "body": "--body",
    "pair": "--pair",
    "header": "--header",
}


class Command(BaseCommand):
    help = """Print the request that would be sent, without sending it.

From templates on the command line, with values from an event file or sample values (needs no database):
  %(prog)s --url 'https://partner.example/in?id={ActionId}&pay={Payout}' --event event.json
  %(prog)s --url https://partner.example/in --body-format json --pair 'id={ActionId}'

From a configured postback and a recorded action:
  %(prog)s --postback 7 --action 1000.2001.158133

An event file is a JSON object: {"ActionId": "1000.2001.1", "Payout": 33.99, "items": [{"sku": "GH23", "qty": 3}]}.
The template language is described in docs/template-language.md."""
    json_keys = {
        "method": "GET or POST",
        "url": "the URL",
        "headers": "object: name -> value; secrets are hidden",
        "body": "the body as text; null if there is none",
    }
    fails_if = "no request can be built"

    requires_system_checks: list[str] = []  # Some query the database.

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        # No abbreviations: the full name of an option shows whether the database is needed.
        return super().create_parser(prog_name, subcommand, allow_abbrev=False, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        request = parser.add_argument_group("a request from templates")
        request.add_argument("--url", metavar="TEMPLATE", help="the URL")
        request.add_argument("--method", help="GET or POST; default: POST if there is a body, else GET")
        request.add_argument("--header", action="append", metavar="'NAME: TEMPLATE'", help="a header; repeatable")
        request.add_argument("--body-format", metavar="|".join(FORMATS), help="how the body of a POST is written")
        request.add_argument(
            "--pair", action="append", metavar="KEY=TEMPLATE", help="one field of the body, in order; repeatable"
        )
        request.add_argument("--body", metavar="TEMPLATE", help="the whole body, instead of pairs")
        stored = parser.add_argument_group("a configured request")
        stored.add_argument("--postback", type=int, metavar="ID", help="the number of the postback")
        event = parser.add_argument_group("the event")
        event.add_argument("--event", metavar="FILE.json", help="values by parameter name, and items")
        event.add_argument("--action", metavar="ACTION_ID", help="with --postback: a recorded action's latest event")
        event.add_argument("--event-number", type=int, metavar="N", help="with --action: its event number N instead")

    def handle(self, *_arguments: object, **options: Any) -> None:
        _refuse_contradictions(options)
        template, hidden = _template(options)
        try:
            event = self._event(options)
            compiled = compile_request(template, hidden)
            if template.asking.oauth:
                compiled = compiled.authorized(UNFETCHED)
            request = compiled.build(event.values)
        except RequestErrors as error:
            raise CommandError(f"The request is not valid.\n{error.explain()}") from error
        except Unbuildable as error:
            raise CommandError(f"No request can be built for this event. {error}") from error
        except EventFileError as error:
            raise CommandError(f"{options['event'] or 'The event'}: {error}.") from error
        for warning in (*event.warnings, *(each.labelled for each in compiled.warnings)):
            self._warn(warning)
        refusal = configured_refusal(options["postback"], event.values) if options["postback"] is not None else None
        if refusal:
            self._warn(refusal)
        body = request.body if request.body is not None else b""
        complaint = ill_formed(template.body_format, body) if template.body_format else ""
        if complaint:
            self._warn(f"The body is not valid {complaint}")
        self.report(_as_json(request), _as_text(request))

    def _event(self, options: dict[str, Any]) -> PreviewEvent:
        if options["action"]:
            return recorded_event(options["action"], options["event_number"])
        if options["event"]:
            return read_event(_read(options["event"]))
        self.stderr.write("Using sample values; give others with --event FILE.json.")
        return PreviewEvent(sample_values())

    def _warn(self, warning: str) -> None:
        self.stderr.write(f"Warning: {warning}")


def _refuse_contradictions(options: dict[str, Any]) -> None:
    given = [option for name, option in _REQUEST_OPTIONS.items() if options[name] is not None]
    if options["postback"] is not None and given:
        raise UsageError(f"--postback has its own request: leave out {', '.join(given)}.")
    if options["postback"] is None and options["url"] is None:
        raise UsageError("Nothing to preview: give --url with templates, or --postback with its number.")
    if options["action"] and options["postback"] is None:
        raise UsageError("--action needs --postback; with --url, give the values of the event with --event FILE.json.")
    if options["action"] and options["event"]:
        raise UsageError("--action and --event both give the event: keep one.")
    if options["event_number"] is not None and not options["action"]:
        raise UsageError("--event-number needs --action.")


def _template(options: dict[str, Any]) -> tuple[RequestTemplate, frozenset[str]]:
    if options["postback"] is not None:
        configured = configured_request(options["postback"])
        if configured is None:
            raise CommandError(f"There is no postback {options['postback']}.")
        return configured
    has_body = any(options[name] is not None for name in ("body_format", "body", "pair"))
    return RequestTemplate(
        method=(options["method"] or ("POST" if has_body else "GET")).upper(),
        url=options["url"],
        headers="\n".join(_one_line(header) for header in options["header"] or ()),
        body_format=(options["body_format"] or "").lower(),
        pairs=tuple(_pair(pair) for pair in options["pair"] or ()),
        body_raw=options["body"] or "",
    ), frozenset()


def _one_line(header: str) -> str:
    if "\n" in header or "\r" in header:
        raise UsageError("A --header is one line; repeat the option for each header.")
    return header


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"Write --pair as KEY=TEMPLATE; “{text}” has no “=”.")
    return key, value


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CommandError(f"Cannot read {file}: {reason}.") from error


def _as_json(request: Request) -> dict[str, Any]:
    """The request as JSON; `body` is null if there is none."""
    body = request.body.decode() if request.body is not None else None
    return {
        "method": request.method,
        "url": request.url,
        "headers": {name: shown(value) for name, value in request.headers.items()},
        "body": body,
    }


def _as_text(request: Request) -> str:
    headers = (f"{name}: {shown(value)}" for name, value in request.headers.items())
    head = [f"{request.method} {request.url}", *headers]
    body = ["", request.body.decode()] if request.body is not None else []
    return "\n".join([*head, *body])
