"""Converts a whole request, and asks about the result what the postback form asks about what is typed."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from postbacks.conversion.conditions import conditions
from postbacks.conversion.engine import converted, ours_in
from postbacks.conversion.guess import guessed
from postbacks.conversion.networks import IMPACT, NETWORKS
from postbacks.conversion.outcome import ConversionError, Left, Translation
from postbacks.models import Postback
from postbacks.request.building import RequestErrors, sample_warnings
from postbacks.request.template import limits
from postbacks.request.template.encoding import utf8
from postbacks.validation import postback_errors, request_template


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is set up at another network. `headers` has one `Name: value` a line."""

    url: str
    headers: str = ""
    body_format: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The request in our language.

    `network` is the key of the network, and `was_guessed` says that nobody named it. `problems` are what saving it
    would refuse, beside what is `left`; `warnings` what looks wrong.
    """

    network: str
    was_guessed: bool
    url: str
    headers: str
    body: str
    translations: tuple[Translation, ...] = ()
    left: tuple[Left, ...] = ()
    conditions: tuple[str, ...] = ()
    problems: Mapping[str, list[str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As the command prints it and the admin sends it, with the network's `name`."""
        return {**asdict(self), "name": names()[self.network]}


def convert(asked: Asked, network: str = "") -> Answer:
    """Convert from the network of this key, or from the one that its macros tell.

    Raises `ConversionError` for what is empty, too long, already converted or has no macro at all.
    """
    texts = {"url": asked.url.strip(), "headers": asked.headers, "body": asked.body}
    _refuse_sizes(texts)
    key = network or guessed("\n".join(texts.values()))
    if key == IMPACT:
        return _unchanged(asked, texts, was_guessed=not network)
    table = NETWORKS[key]
    done = {name: converted(text, table, url=name == "url") for name, text in texts.items()}
    if not any(each.translations or each.left for each in done.values()):
        raise ConversionError(
            f"It has no macro of {table.name}, and these are written {table.brackets.value}. Nothing is converted."
        )
    translations = tuple(dict.fromkeys(each for part in done.values() for each in part.translations))
    problems, warnings = _checked(asked, {name: part.masked for name, part in done.items()})
    return Answer(
        key,
        not network,
        done["url"].text,
        done["headers"].text,
        done["body"].text,
        translations=translations,
        left=tuple(dict.fromkeys(each for part in done.values() for each in part.left)),
        conditions=tuple(conditions(translations)),
        problems=problems,
        warnings=warnings,
    )


def _unchanged(asked: Asked, texts: dict[str, str], *, was_guessed: bool) -> Answer:
    if not any(ours_in(text) for text in texts.values()):
        raise ConversionError(
            "It has no placeholder of impact.com. These are written {Name}, for example {ActionId}; upper and "
            "lower case count."
        )
    problems, warnings = _checked(asked, texts)
    return Answer(
        IMPACT, was_guessed, texts["url"], texts["headers"], texts["body"], problems=problems, warnings=warnings
    )


def _refuse_sizes(texts: Mapping[str, str]) -> None:
    if not texts["url"]:
        raise ConversionError("There is nothing to convert: give the postback URL as it is set up at the network.")
    for name, text in texts.items():
        size = len(utf8(text))
        if size > limits.TEMPLATE_BYTES:
            raise ConversionError(f"The {name} has {size:,} bytes; a template may have {limits.TEMPLATE_BYTES:,}.")


def _checked(asked: Asked, texts: Mapping[str, str]) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    postback = Postback(
        url=texts["url"],
        method=Postback.Method.POST if asked.body else Postback.Method.GET,
        headers=texts["headers"],
        body_format=asked.body_format if asked.body else "",
        body_raw=texts["body"],
    )
    return postback_errors(postback), tuple(_warnings(postback))


def _warnings(postback: Postback) -> Iterator[str]:
    try:
        found = sample_warnings(request_template(postback))
    except RequestErrors:
        return  # They are among the problems.
    for each in found:
        yield each.labelled


def names() -> dict[str, str]:
    """The networks by key, in the order in which they are offered."""
    return {IMPACT: "impact.com", **{key: network.name for key, network in NETWORKS.items()}}


__all__ = ["Answer", "Asked", "ConversionError", "convert", "names"]
