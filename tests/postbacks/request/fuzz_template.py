"""Coverage-guided fuzzing of the template language; docs/template-language.md says how to run it.

An input is one byte that picks the place and then a template. Whatever it is, it must compile or be refused with a
place; and whatever a value holds, the structure around it must stay the one that plain values give.
"""

import ast
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

import atheris

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
with atheris.instrument_imports(include=["postbacks", "actions"]):
    from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS
    from postbacks.request.template import Place, Template, TemplateError, UnusableValueError, Values, compile_template
    from postbacks.request.template.dates import CODES
    from postbacks.request.template.functions import FUNCTIONS
    from postbacks.request.template.tokens import OPENING

PLACES: Final = tuple(Place)
LONGEST: Final = 2000  # Of an input; beyond that nothing new comes up, only later.

PLACEHOLDER: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")

_ILL_FORMED: Final = (ValueError, expat.ExpatError, RecursionError)
_HOSTILE: Final = (
    "{Payout}",
    "\"'<>&]]>--?>\\\\",
    '\\","x":[{',
    "\\u0022\\",
    "%41%&=#?/;:@+ \x7f",
    "\r\nX-Evil: 1\r\n\t",
    "\0\ufffe\ud800\U0001f600\u2028é\ufeff",
    "-1e5",
    "</t><t a=''/><!--",
)


def event(texts: Iterable[str]) -> Values:
    """An event with these texts in turn as its values, and always two items."""
    turn = _endless(tuple(texts))
    values: dict[str, Any] = {name: next(turn) for name, parameter in PARAMETERS.items() if not parameter.base}
    values["items"] = [{name: next(turn) for name in ITEM_ATTRIBUTES} for _ in range(2)]
    return values


def _endless(texts: tuple[str, ...]) -> Iterator[str]:
    while True:
        yield from texts


PLAIN = event(["a"])
NUMBERS = event(["1"])
MISSING = event([""])
EVIL = [event(_HOSTILE[start:] + _HOSTILE[:start]) for start in range(len(_HOSTILE))]


def test_one_input(data: bytes) -> None:
    """What the fuzzer calls; it fails by any exception."""
    place = PLACES[data[0] % len(PLACES)] if data else Place.TEXT
    source = data[1 : LONGEST + 1].decode(errors="replace")
    try:
        template = compile_template.__wrapped__(source, place, frozenset())
    except TemplateError as error:
        check_error(source, error)
        return
    for values in (PLAIN, NUMBERS, MISSING, *EVIL):
        check_rendering(template, values)
    if "raw" not in source:
        check_structure(template)
        check_against_text(template)


def check_error(source: str, error: TemplateError) -> None:
    lines = source.split("\n")
    assert error.errors[0] is error
    for each in error.errors:
        assert 1 <= each.line <= len(lines)
        assert 1 <= each.column <= len(lines[each.line - 1]) + 1
        assert 0 <= each.offset <= len(source)
        assert each.message
        assert "\n" not in str(each)
    assert error.explain().encode()


def check_rendering(template: Template, values: Values) -> None:
    try:
        text = template.render(values)
    except UnusableValueError:
        assert template.place is Place.HEADER
        return
    assert text == template.render(values)
    if template.place in (Place.URL, Place.FORM, Place.FORM_VALUE) and "raw" not in template.source:
        assert text.isascii()
    if template.place is Place.URL:
        assert re.fullmatch(r"[!$&-;=?-\[\]_a-z~%]+", text), text  # What a URL can hold, without a fragment.
    if template.place is Place.HEADER:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", text)


def check_structure(template: Template) -> None:
    """Compare what plain and hostile values give, if it is well-formed with plain values, and without any."""
    structure = STRUCTURES.get(template.place)
    if structure is None:
        return
    try:
        plain, numbers, missing = (structure(template.render(values)) for values in (PLAIN, NUMBERS, MISSING))
    except _ILL_FORMED:
        return
    if plain == numbers == missing:  # Else it is the template that asks about values.
        for values in EVIL:
            assert structure(template.render(values)) == plain


def check_against_text(template: Template) -> None:
    """Compare with the structure of the template's own text, where its expressions are no more than parameters.

    `[]` for each placeholder is good JSON both inside and outside a string, and unlike a number nowhere else.
    """
    text = PLACEHOLDER.sub("[]", template.source)
    if template.place not in (Place.JSON, Place.XML) or OPENING.search(text):
        return
    structure = STRUCTURES[template.place]
    try:
        expected = structure(text)
    except _ILL_FORMED:
        return
    for values in (PLAIN, NUMBERS, MISSING, *EVIL):
        assert structure(template.render(values)) == expected


def skeleton(text: str) -> str:
    """The delimiters of a URL or form body."""
    return re.sub(r"[A-Za-z0-9._~-]|%[0-9A-F]{2}", "", text)


def json_shape(text: str) -> object:
    def shape(value: Any) -> object:
        if isinstance(value, list) and value:
            return [shape(each) for each in value]
        return tuple(shape(pair[1]) for pair in value) if isinstance(value, tuple) else None

    return shape(json.loads(text, object_pairs_hook=tuple, parse_int=str, parse_float=str))


def xml_shape(text: str) -> object:
    found: list[object] = []
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = lambda name, attributes: found.append((name, *attributes))
    parser.EndElementHandler = lambda name: found.append(f"/{name}")
    parser.CommentHandler = lambda _text: found.append("?")
    parser.ProcessingInstructionHandler = lambda _target, _text: found.append("?")
    parser.Parse(text.encode(), True)
    return found


STRUCTURES: Final[dict[Place, Callable[[str], object]]] = {
    Place.URL: skeleton,
    Place.FORM: skeleton,
    Place.FORM_VALUE: skeleton,
    Place.JSON: json_shape,
    Place.JSON_VALUE: lambda text: json_shape(f'"{text}"'),
    Place.XML: xml_shape,
    Place.XML_VALUE: lambda text: xml_shape(f"<a>{text}</a>"),
}


_SEEDS: Final = (
    r'{"a\"{Text1}":"\\{Text2}\"","b":[{Text1},{Numeric1}],"c":"\u00e9{Text1}","d":{"e":{Amount}}}',
    r'{"u":"{join(items, i, \"{i.sku}\", \",\")}","v":[{join(items, i, "{\"n\":{i},\"s\":{i.sku}}", ",")}]}',
    "<?xml version='1.0'?><a b='{Text1}' c=\"{Text2}\"><!-- > --><d>{Text1}</d><![CDATA[]{Text2}]]></a>",
    "<a>{join(items, i, '<s{i} q=\"{i.qty}\">{i.sku}</s{i}>')}&amp;{Text1}</a>",
    "a={Text1}&b={lower(Text2)}{join(items, i, '&s[{i}]={i.sku}')}",
    "https://x.example:8443/p/{Text1};v=%41?a={Text2}{join(items, i, 'k{i}={i.sku}', '&', '&')}",
    """{if(Text1 == "a", map(Text2, '1', "x", 'y'), default(number(Amount, 2, ',', '.'), truncate(Text1, 3)))}""",
    """{date(EventDate, "%Y-%m-%dT%H:%M:%S%:z", "Asia/Tokyo")} {text("{lower(")} {md5(upper(trim(Note)))}""",
)


def seeds() -> Iterator[bytes]:
    """Some templates with all that a place has, and every one that stands in a test; each in every place."""
    texts = set(_SEEDS)
    for file in sorted((ROOT / "tests").glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "{" in node.value:
                texts.add(node.value)
    for text in sorted(texts):
        for number in range(len(PLACES)):
            yield bytes([number]) + text.encode(errors="replace")


def words() -> Iterator[str]:
    """What the fuzzer may put in as a whole."""
    yield from (f"{name}(" for name in FUNCTIONS)
    yield from (*list(PARAMETERS)[:8], "Text1", "Numeric1", "macAddressMd5", *ITEM_ATTRIBUTES, *CODES)
    yield from ("join(items, i, ", "{i.", "{i}", '"{', '\\"', "' == '", " empty", " contains ", "https://a/", "UTC")
    yield from ("<![CDATA[", "]]>", "<!--", "-->", "<a b='", "'/>", "</a>", "&#", '":"', '","', "\\u00", "\\\\", "%%")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        for number, seed in enumerate(seeds()):
            (corpus / str(number)).write_bytes(seed)
        escaped = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words())
        dictionary.write_text("".join(f'"{word}"\n' for word in escaped), encoding="ascii")
        # Two seconds for any input: a hundred times what the longest valid template takes.
        arguments = [*sys.argv, f"-dict={dictionary}", f"-max_len={LONGEST + 1}", "-timeout=2", str(corpus)]
        atheris.Setup(arguments, test_one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
