"""From what an operator set up, and an event's values, to the request that goes out. Pure: no settings, no database.

Setting up is compiled once (`compile_request`) and shared; an event then costs only its own values. The request is
filled in directly: `PreparedRequest.prepare()` takes 25 times as long, and would quote the URL a second time.
Header values are text that goes out as UTF-8.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from requests import PreparedRequest
from requests.structures import CaseInsensitiveDict

from actions.parameters import sample_values
from postbacks import __version__
from postbacks.request_body import Body, compile_body
from postbacks.request_check import ill_formed
from postbacks.request_errors import Problem, RequestErrors, Unbuildable, template_problems
from postbacks.request_headers import compile_headers
from postbacks.template import Place, Template, TemplateError, UnusableValueError, Values, compile_template
from postbacks.template.encoding import utf8

__all__ = [
    "CompiledRequest",
    "RequestErrors",
    "RequestTemplate",
    "Unbuildable",
    "compile_request",
    "sample_warnings",
]

METHODS: Final = ("GET", "POST")
MAX_URL_BYTES: Final = 8 * 1024  # What common servers take in a request line.
MAX_BODY_BYTES: Final = 256 * 1024  # Far beyond a real order, and small enough to hold thousands in memory.
USER_AGENT: Final = f"PartnerPostbacks/{__version__}"


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """What an operator typed.

    `headers` has one `Name: value` a line; `body_format` is `json`, `xml`, `querystring` or empty; `pairs` are keys
    with value templates, in order, and exclude `body_raw`. A GET has neither body nor format.
    """

    method: str
    url: str
    headers: str = ""
    body_format: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    body_raw: str = ""


@dataclass(frozen=True, slots=True)
class CompiledRequest:
    """A request with gaps for an event's values; made by `compile_request`."""

    method: str
    url: Template
    fixed_headers: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, Template], ...]
    body: Body | None

    def build(self, values: Values) -> PreparedRequest:
        """Return the request for a snapshot's values (see `actions.parameters`); its body is bytes or None.

        Raises `Unbuildable`, with the reason, if these values make no request.
        """
        request = PreparedRequest()
        request.method = self.method
        request.url = self._url(values)
        headers = CaseInsensitiveDict[str](self.fixed_headers)
        for name, template in self.headers:
            try:
                headers[name] = template.render(values).strip(" ")
            except UnusableValueError as error:
                raise Unbuildable(f"The header {name} cannot be written: {error}.") from error
        if self.body is not None:
            request.body = body = self._body(self.body, values)
            headers["Content-Length"] = str(len(body))
        request.headers = headers
        return request

    def _url(self, values: Values) -> str:
        url = self.url.render(values)
        if len(url) > MAX_URL_BYTES:  # All ASCII by now.
            raise Unbuildable(
                f"The URL is {len(url):,} bytes long with this event's values; the limit is {MAX_URL_BYTES:,}."
            )
        return url

    @staticmethod
    def _body(body: Body, values: Values) -> bytes:
        content = utf8(body.render(values))
        if len(content) > MAX_BODY_BYTES:
            raise Unbuildable(
                f"The body is {len(content):,} bytes long with this event's values; the limit is {MAX_BODY_BYTES:,}."
            )
        return content


@lru_cache(maxsize=4096)  # Twice the postbacks of a large installation.
def compile_request(template: RequestTemplate, hidden: frozenset[str] = frozenset()) -> CompiledRequest:
    """Compile what an operator set up; parameters named in `hidden` render empty.

    Raises `RequestErrors` with everything that is wrong, by field.
    """
    problems: list[Problem] = []
    url = _compile_url(template.url.strip(), hidden, problems)
    headers = compile_headers(template.headers, hidden, problems)
    body = _compile_body(template, hidden, problems)
    if problems or url is None:
        raise RequestErrors(problems)
    fixed = [("User-Agent", USER_AGENT)]
    if body is not None:
        fixed.append(("Content-Type", body.content_type))
    return CompiledRequest(template.method, url, _unless_given(fixed, headers), headers, body)


def sample_warnings(template: RequestTemplate, hidden: frozenset[str] = frozenset()) -> list[str]:
    """What looks wrong once sample values are filled in; empty if nothing does.

    These are warnings: there are receivers that ask for JSON which is none. Raises `RequestErrors` as
    `compile_request` does.
    """
    try:
        request = compile_request(template, hidden).build(sample_values())
    except Unbuildable as error:
        return [str(error)]
    if not isinstance(request.body, bytes):
        return []
    problem = ill_formed(template.body_format, request.body)
    return [f"Filled in with sample values, the body is not valid {problem}"] if problem else []


def _compile_url(url: str, hidden: frozenset[str], problems: list[Problem]) -> Template | None:
    if not url:
        problems.append(Problem("url", "", "The URL is missing."))
        return None
    try:
        return compile_template(url, Place.URL, hidden)
    except TemplateError as error:
        problems.extend(template_problems("url", "", error))
        return None


def _compile_body(template: RequestTemplate, hidden: frozenset[str], problems: list[Problem]) -> Body | None:
    if template.method == "POST":
        return compile_body(template.body_format, template.pairs, template.body_raw, hidden, problems)
    if template.method not in METHODS:
        problems.append(Problem("method", "", f"“{template.method}” is no method: choose GET or POST."))
    elif template.body_format or template.pairs or template.body_raw.strip():
        field = "body" if template.pairs or template.body_raw.strip() else "body_format"
        problems.append(Problem(field, "", "A GET request has no body: choose POST, or take the body away."))
    return None


def _unless_given(
    fixed: Iterable[tuple[str, str]], headers: Iterable[tuple[str, Template]]
) -> tuple[tuple[str, str], ...]:
    """The headers that we set, but for those which the operator sets."""
    given = {name.lower() for name, _template in headers}
    return tuple((name, value) for name, value in fixed if name.lower() not in given)
