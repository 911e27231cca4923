"""What is too much is refused with its number, and no template takes more than linear time to compile."""

import time

import pytest

from postbacks.request.template import Place, TemplateError, UnusableValueError, compile_template, limits


def errors(source: str, place: Place = Place.TEXT) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        compile_template(source, place)
    return [str(error) for error in caught.value.errors]


def test_a_template_of_more_than_8_kib_is_refused() -> None:
    assert compile_template("x" * 8192, Place.TEXT).render({}) == "x" * 8192
    assert errors("x" * 8193) == ["The template has 8,193 bytes, and its limit of 8,192 ends at column 8193."]
    assert errors("é" * 4097) == ["The template has 8,194 bytes, and its limit of 8,192 ends at column 4097."]
    assert errors("\n".join(["{Oyd}"] * 2000)) == [
        "The template has 11,999 bytes, and its limit of 8,192 ends at line 1366, column 3."
    ]


def test_functions_nest_sixteen_deep_and_no_deeper() -> None:
    for around in ("lower(%s)", "default(Oid, %s)", "if(%s empty, Oid, Oid)", "map('', Oid, %s)"):
        fits = too_deep = "Oid"
        for depth in range(17):
            fits, too_deep = too_deep, around % too_deep
            if depth < 16:
                compile_template(f"{{{too_deep}}}", Place.TEXT)
        compile_template(f"{{{fits}}}", Place.TEXT)
        assert errors(f"{{{too_deep}}}")[0].startswith("More than 16 functions inside each other at column ")


def test_the_functions_of_an_item_template_are_counted_with_those_around_it() -> None:
    inner = "lower(" * 15 + "i.sku" + ")" * 15
    compile_template(f"{{join(items, i, '{{{inner}}}')}}", Place.TEXT)
    assert errors(f"{{join(items, i, '{{lower({inner})}}')}}") == [
        "More than 16 functions inside each other at column 109."
    ]


def test_a_join_that_grows_beyond_any_body_is_ended() -> None:
    template = compile_template("{join(items, i, '{Note}', ',')}", Place.TEXT)
    values = {"Note": "x" * 1023, "items": [{}] * 256}
    assert len(template.render(values)) == 256 * 1024 - 1
    values["items"] = [{}] * 257
    with pytest.raises(UnusableValueError, match="the join of 257 items is longer than 262,144 characters"):
        template.render(values)


HOSTILE = {
    "braces": "{",
    "openings": "{a",
    "calls": "{a(",
    "parameters": "{Oid}",
    "values in text": "x{Oid}",
    "functions": "{lower(Oid)}",
    "unknown names": "{zzz}",
    "braces in pairs": "{}{{}}",
    "double quotes": '"',
    "single quotes": "'",
    "escaped quotes": '\\"',
    "backslashes": "\\",
    "arguments": "{map(Oid" + ",1" * 40,
    "unclosed texts": "{lower('",
    "unclosed texts in JSON": '{lower(\\"\\\\',
    "tags": "<a b='",
    "character data": "<![CDATA[ ]]",
    "references": "&#",
    "per cent": "%",
    "spaces": "{lower( \t",
    "wide": "日",
    "dots": "{Oid.",
    "joins": "{join(items, i, '{i.sku}')}",
}
WHOLES = {
    "a long name": ("{", "a", "}"),
    "a long function name": ("{", "a", "(Oid)}"),
    "nested parentheses": ("{lower(", "(", ")}"),
    "a long text": ("{lower('", "x", "')}"),
    "a long text of escapes": ("{lower('", "\\'", "')}"),
    "a long item template": ("{join(items, i, '", "{i.sku}", "')}"),
    "a long item template of escapes": ("{join(items, i, '", "\\\\", "')}"),
    "a long text in JSON": ('"{lower(\\"', '\\\\\\"', '\\")}"'),
    "a long map": ("{map(Oid", ",Note", ")}"),
    "a long number": ("{truncate(Oid, ", "9", ")}"),
    "a long date format": ("{date(Oid, '", "%Y", "')}"),
    "a long host": ("https://", "a.", "/"),
}


def compile_seconds(source: str, place: Place) -> float:
    """The processor time of one compilation, whatever becomes of it."""
    started = time.thread_time()
    try:
        compile_template.__wrapped__(source, place, frozenset())
    except TemplateError as error:
        error.explain()
    return time.thread_time() - started


def grows_linearly(small: str, large: str, place: Place) -> bool:
    """Whether eight times the size costs some eight times the time: it would be 64 times if it were quadratic."""
    return compile_seconds(large, place) < 24 * compile_seconds(small, place) + 0.0005  # Half a millisecond is noise.


@pytest.mark.parametrize(
    ("before", "part", "after"),
    [*(("", part, "") for part in HOSTILE.values()), *WHOLES.values()],
    ids=[*HOSTILE, *WHOLES],
)
@pytest.mark.parametrize("place", [Place.URL, Place.JSON, Place.XML, Place.HEADER])
def test_compiling_takes_linear_time_up_to_the_limit_and_beyond(
    place: Place, before: str, part: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TEMPLATE_BYTES", 1024 * 1024)
    small, large = (before + part * (size // len(part)) + after for size in (2 * 1024, 16 * 1024))
    assert any(grows_linearly(small, large, place) for _ in range(3))  # Something else may be running, twice.
