"""From what an operator set up, and an event's values, to the request that goes out. Pure, but for one setting, and for
the time of a signature.

Setting up is compiled once (`compile_request`) and shared; an event then costs only its own values. Header values are
text that goes out as UTF-8.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from django.conf import settings

from actions.reports.parameters import least_values, sample_values
from actions.reports.reported_items import MAX_ITEMS
from postbacks import __version__
from postbacks.credentials.asking.basic import header_value
from postbacks.credentials.asking.certificates import Tls
from postbacks.credentials.asking.stored import AS_EVER, Asking
from postbacks.credentials.secrets.mask import Scrubber, scrubber
from postbacks.credentials.signing.signer import Signer, SigningKey
from postbacks.request.body import Body, compile_body
from postbacks.request.check import ill_formed
from postbacks.request.errors import Findings, Problem, RequestErrors, TooMuchWork, Unbuildable, stripped
from postbacks.request.headers import (
    check_secret_headers,
    compile_headers,
    refuse_authorization,
    refuse_signature_headers,
    refuse_trace,
)
from postbacks.request.template import (
    Place,
    Template,
    TooMuchWorkError,
    UnusableValueError,
    Values,
    filling,
    limits,
)
from postbacks.request.template.encoding import utf8
from tracing.marks import HEADER as TRACE_HEADER
from value_types.secret_text import SecretText

__all__ = [
    "CompiledRequest",
    "Request",
    "RequestErrors",
    "RequestTemplate",
    "TooMuchWork",
    "Unbuildable",
    "compile_request",
    "sample_warnings",
]

METHODS: Final = ("GET", "POST")
MAX_BODY_BYTES: Final = 256 * 1024  # Far beyond a real order, and small enough to hold thousands in memory.
UNFETCHED: Final = SecretText("(fetched when it is sent)")
"""Stands for the access token in a preview, and is shown as the mask."""
USER_AGENT: Final = f"PartnerPostbacks/{__version__}"


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """What an operator typed.

    `headers` has one `Name: value` a line, `secret_headers` names with values that are no templates; `body_format` is
    `json`, `xml`, `querystring` or empty; `pairs` are keys with value templates, in order, and exclude `body_raw`. A
    GET has neither body nor format. With `signing_keys` the request is signed; `asking` says how the receiver
    wants to be asked; with `send_trace` it is told to which trace the request belongs, if it belongs to one.
    """

    method: str
    url: str
    headers: str = ""
    body_format: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    body_raw: str = ""
    secret_headers: tuple[tuple[str, SecretText], ...] = ()
    signing_keys: tuple[SigningKey, ...] = ()
    asking: Asking = AS_EVER
    send_trace: bool = False


class Request(NamedTuple):
    """A request as it goes out; `headers` in order, no name twice in whatever case.

    Plain, and its headers are shared where they can be: thousands are made each second. Secret values
    among the headers are `SecretText`; `scrubber` takes them out of the answer. `tls` is None
    for a connection like most others. `trace` is the mark of its span where the receiver is told of it.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    scrubber: Scrubber | None = None
    tls: Tls | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True)
class CompiledRequest:
    """A request with gaps for an event's values; made by `compile_request`.

    `warnings` are about templates that are legal but unlikely to be meant, `refusals` about what may not be saved.
    """

    method: str
    url: Template
    fixed_headers: Mapping[str, str]
    headers: tuple[tuple[str, Template], ...]
    body: Body | None
    max_url_bytes: int
    warnings: tuple[Problem, ...]
    refusals: tuple[Problem, ...] = ()
    scrubber: Scrubber | None = None
    signer: Signer | None = None
    tls: Tls | None = None
    send_trace: bool = False

    def authorized(self, token: SecretText) -> "CompiledRequest":
        """The same request with an access token."""
        headers = {**self.fixed_headers, "Authorization": SecretText(f"Bearer {token}")}
        words = (*(self.scrubber.words if self.scrubber else ()), token)
        return replace(self, fixed_headers=headers, scrubber=scrubber(words))

    def build(self, values: Values, message_id: str = "", signed_at: float | None = None, trace: str = "") -> Request:
        """Return the request for a snapshot's values (see `actions.reports.parameters`), signed where it is to be.

        A receiver knows a signed request by `message_id`; left out, it is the delivery's id among the values. It is
        signed at the Unix time `signed_at`, by default that of this host's clock. `trace` is the mark of its span, for
        receivers that are told; empty where it is not traced. Raises `Unbuildable`, with the
        reason, if these values make no request.
        """
        values = filling(values)
        url = self._url(values)
        headers = self.fixed_headers
        if self.headers:
            own = {name: self._header(name, template, values) for name, template in self.headers}
            headers = {**headers, **own}
        body = None if self.body is None else self._body(self.body, values)
        if body is not None:
            headers = {**headers, "Content-Length": str(len(body))}
        if self.signer is not None:
            known_as = message_id or str(values.get("DeliveryId", ""))
            headers = {**headers, **self.signer.sign(known_as, body or b"", signed_at)}
        if not self.send_trace:
            trace = ""
        elif trace:
            headers = {**headers, TRACE_HEADER: trace}
        return Request(self.method, url, headers, body, self.scrubber, self.tls, trace)

    @staticmethod
    def _header(name: str, template: Template, values: Values) -> str:
        try:
            return template.render(values).strip(" ")
        except UnusableValueError as error:
            raise _unbuildable(f"The header {name} cannot be written: {error}.", error) from error

    def _url(self, values: Values) -> str:
        try:
            url = self.url.render(values)
        except UnusableValueError as error:
            raise _unbuildable(f"The URL cannot be written: {error}.", error) from error
        if len(url) > self.max_url_bytes:  # All ASCII by now.
            raise Unbuildable(_too_long("URL", len(url), self.max_url_bytes))
        return url

    @staticmethod
    def _body(body: Body, values: Values) -> bytes:
        try:
            content = utf8(body.render(values))
        except UnusableValueError as error:
            raise _unbuildable(f"The body cannot be written: {error}.", error) from error
        if len(content) > MAX_BODY_BYTES:
            raise Unbuildable(_too_long("body", len(content), MAX_BODY_BYTES))
        return content


def _unbuildable(text: str, error: UnusableValueError) -> Unbuildable:
    return TooMuchWork(text) if isinstance(error, TooMuchWorkError) else Unbuildable(text)


def _too_long(part: str, length: int, limit: int) -> str:
    return f"The {part} is {length:,} bytes long with this event's values; the limit is {limit:,}."


def compile_request(
    template: RequestTemplate, hidden: frozenset[str] = frozenset(), *, as_stored: bool = False
) -> CompiledRequest:
    """Compile what an operator set up, once; parameters named in `hidden` render empty.

    Its URL may become as long as POSTBACKS_MAX_URL_BYTES says. Raises `RequestErrors` with everything that is wrong,
    by field; `as_stored` only with what cannot be sent, so that what was saved under older rules goes on.
    """
    if not as_stored:
        _refuse_size(template)
    compiled = _compile(template, hidden, settings.POSTBACKS_MAX_URL_BYTES)
    if compiled.refusals and not as_stored:
        raise RequestErrors(compiled.refusals)
    return compiled


def _refuse_size(template: RequestTemplate) -> None:
    """Before anything is compiled: that takes time by itself."""
    parts = (template.url, template.headers, template.body_raw, *(part for pair in template.pairs for part in pair))
    size = sum(len(utf8(part)) for part in parts)
    if size > limits.REQUEST_BYTES:
        all_of_it = f"URL, headers and body together have {size:,} bytes of templates"
        raise RequestErrors([Problem("body", "", f"{all_of_it}, and {limits.REQUEST_BYTES:,} are the most.")])


@lru_cache(maxsize=4096)  # Twice the postbacks of a large installation.
def _compile(template: RequestTemplate, hidden: frozenset[str], max_url_bytes: int) -> CompiledRequest:
    found = Findings()
    url = _compile_url(template.url, hidden, found)
    headers = compile_headers(template.headers, hidden, found)
    body = _compile_body(template, hidden, found)
    names = [name for name, _value in template.secret_headers]
    ignored = check_secret_headers(names, [name for name, _template in headers], found)
    secret = tuple(pair for pair in template.secret_headers if pair[0] not in ignored)
    if template.asking.basic or template.asking.oauth:
        for field, given in (("headers", headers), ("secret_headers", secret)):
            refuse_authorization(field, [name for name, _any in given], found)
    if template.send_trace:
        for field, given in (("headers", headers), ("secret_headers", secret)):
            refuse_trace(field, [name for name, _any in given], found)
    if template.signing_keys:
        for field, given in (("headers", headers), ("secret_headers", secret)):
            refuse_signature_headers(field, [name for name, _any in given], found)
    if found.mistakes or url is None:
        raise RequestErrors([*found.mistakes, *found.refusals])
    fixed = [("User-Agent", USER_AGENT)]
    if body is not None:
        fixed.append(("Content-Type", body.content_type))
    shown_as = {} if template.asking.basic is None else {"Authorization": header_value(*template.asking.basic)}
    ours = _unless_given(fixed, [name for name, _any in (*headers, *secret)])
    sent: list[tuple[str, str]] = [*ours, *secret, *shown_as.items()]
    return CompiledRequest(
        template.method,
        url,
        dict(sent) if secret or shown_as else _shared(tuple(sent)),
        headers,
        body,
        max_url_bytes,
        tuple(found.warnings),
        tuple(found.refusals),
        _scrubber_of([value for _name, value in secret], template.asking),
        Signer(template.signing_keys) if template.signing_keys else None,
        template.asking.tls,
        template.send_trace,
    )


def _scrubber_of(values: list[SecretText], asking: Asking) -> Scrubber | None:
    if asking.basic is not None:
        values = [*values, asking.basic[1], header_value(*asking.basic)]
    return scrubber(values) if values else None


def sample_warnings(template: RequestTemplate, hidden: frozenset[str] = frozenset()) -> list[Problem]:
    """What is legal but looks wrong, by field: odd braces, and a body that is not well-formed once it is filled in.

    It is filled in with sample values, and with no more than every event has. These are warnings: there are receivers
    that ask for JSON which is none. Raises `RequestErrors` as `compile_request` does.
    """
    request = compile_request(template, hidden)
    complete = _complaints(template.body_format, request, sample_values(), "Filled in with sample values")
    # What is wrong with all values is not said twice.
    sparse = () if complete else _complaints(template.body_format, request, least_values(), "Where values are missing")
    return [*request.warnings, *complete, *sparse, *_too_much_of_many_items(request)]


def _too_much_of_many_items(request: CompiledRequest) -> Iterable[Problem]:
    values = sample_values()
    try:
        request.build({**values, "items": (values["items"] * MAX_ITEMS)[:MAX_ITEMS]})
    except TooMuchWork as error:
        yield Problem("body", "", f"With the {MAX_ITEMS:,} items that an order may have, nothing is sent. {error}")
    except Unbuildable:
        pass  # Long URLs and bodies have limits that a receiver may not have.


def _complaints(body_format: str, request: CompiledRequest, values: Values, when: str) -> tuple[Problem, ...]:
    try:
        body = request.build(values).body
    except Unbuildable as error:
        return (Problem("url", "", str(error)),)
    wrong = "" if body is None else ill_formed(body_format, body)
    return (Problem("body", "", f"{when}, the body is not valid {wrong}"),) if wrong else ()


def _compile_url(text: str, hidden: frozenset[str], found: Findings) -> Template | None:
    if not text.strip():
        found.add("url", "", "The URL is missing.")
        return None
    return found.compile("url", "", text, stripped(text), Place.URL, hidden)


def _compile_body(template: RequestTemplate, hidden: frozenset[str], found: Findings) -> Body | None:
    if template.method == "POST":
        return compile_body(template.body_format, template.pairs, template.body_raw, hidden, found)
    if template.method not in METHODS:
        found.add("method", "", f"“{template.method}” is no method: choose GET or POST.")
    elif template.body_format or template.pairs or template.body_raw.strip():
        field = "body" if template.pairs or template.body_raw.strip() else "body_format"
        found.add(field, "", "A GET request has no body: choose POST, or take the body away.")
    return None


@lru_cache(maxsize=64)
def _shared(headers: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Most postbacks have the same headers, and a connection that is told the same object is quicker to see that."""
    return dict(headers)


def _unless_given(fixed: Iterable[tuple[str, str]], headers: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The headers that we set, but for those which the operator sets."""
    given = {name.lower() for name in headers}
    return tuple((name, value) for name, value in fixed if name.lower() not in given)
