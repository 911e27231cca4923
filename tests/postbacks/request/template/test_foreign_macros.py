"""Macros of other systems and encoded placeholders are warned about, with what was probably meant."""

import pytest

from postbacks.request.building import RequestTemplate, sample_warnings
from postbacks.request.template import Place, compile_template

CLICK = "Did you mean {RefClickId}?"
OID = "Did you mean {Oid}?"


def warnings(source: str, place: Place) -> list[str]:
    return [str(each) for each in compile_template(source, place).warnings]


MACROS = {
    "%7BRefClickId%7D": CLICK,
    "%7bclick_id%7d": CLICK,
    "%257BRefClickId%257D": CLICK,
    "[click_id]": CLICK,
    "[[CLICK_ID]]": CLICK,
    "%5Bclick_id%5D": CLICK,
    "%%CLICK%%": CLICK,
    "%25%25CLICK%25%25": CLICK,
    "%CLICK_ID%": CLICK,
    "__CLICKID__": CLICK,
    "<click_id>": CLICK,
    "@click_id@": CLICK,
    "((click_id))": CLICK,
    "(click-id)": CLICK,
    "(idfa)": "Did you mean {iosIfa}?",
    "$(click_id)": CLICK,
    "*|CLICK_ID|*": CLICK,
    "%23CLICK_ID%23": CLICK,
    "\uff5bOid\uff5d": OID,
    "\ufe5bOid\ufe5c": OID,
    "[unheard_of]": "A parameter is written {Name}.",
    "%7Blower(Oid)%7D": "lower is written {lower(Status)}",
}


@pytest.mark.parametrize("macro", MACROS)
def test_a_macro_in_a_url_is_warned_about_with_its_column(macro: str) -> None:
    found = warnings(f"https://x.example/in?id={{Oid}}&c={macro}", Place.URL)
    assert len(found) == 1
    assert found[0].startswith("“")
    assert found[0].endswith(f"is sent as it stands at column 33. {MACROS[macro]}")


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("${CLICK-ID}", CLICK),
        ("#CLICK_ID#", CLICK),
        ("{click-id}", CLICK),
        ("{click id}", CLICK),
        ("{$click_id}", CLICK),
        ("{{ click_id }}", CLICK),
        ("<%= click_id %>", CLICK),
        (r"\u007bOid\u007d", OID),
        ("&#123;Oid&#125;", OID),
        ("%7BRefClickId%7D", CLICK),
    ],
)
@pytest.mark.parametrize("place", [Place.HEADER, Place.JSON_VALUE, Place.FORM_VALUE, Place.FORM])
def test_a_macro_elsewhere_is_warned_about(source: str, hint: str, place: Place) -> None:
    assert any(hint in each for each in warnings(source, place))


@pytest.mark.parametrize(
    ("place", "source", "marks"),
    [
        (Place.JSON, '{"a":"{{Oid}}"}', "{…}"),
        (Place.JSON, '{"a":{{Oid}}}', "{…}"),
        (Place.FORM_VALUE, "%7B{Oid}%7D", "%7B…%7D"),
        (Place.HEADER, "%%{Oid}%%", "%%…%%"),
        (Place.URL, "https://x.example/?a=${Oid}", "$"),
        (Place.URL, "https://x.example/?a=${Payout}", "$"),
        (Place.JSON_VALUE, "${Oid}", "$"),
    ],
)
def test_marks_of_another_system_around_a_placeholder_are_warned_about(place: Place, source: str, marks: str) -> None:
    [found] = warnings(source, place)
    assert found.startswith(f"{marks} around a placeholder is sent as well at column ")
    assert found.endswith("A placeholder is written {Payout}." if "Payout" in source else "written {Oid}.")


@pytest.mark.parametrize(
    ("place", "entity"),
    [
        (Place.URL, "&amp;"),  # A # is a mistake in a URL anyway.
        *(
            (place, each)
            for place in (Place.FORM, Place.JSON_VALUE, Place.HEADER)
            for each in ("&amp;", "&#38;", "&#x26;")
        ),
    ],
)
def test_an_ampersand_as_html_writes_it_is_warned_about(place: Place, entity: str) -> None:
    source = f"https://x.example/?a={{Oid}}{entity}b=1"
    assert warnings(source, place) == [f"{entity} is sent as it stands at column 27. Between parameters stands &."]


@pytest.mark.parametrize("character", ["\u200b", "\u2060", "\ufeff", "\u00ad"])
def test_an_invisible_character_is_warned_about(character: str) -> None:
    name = f"The invisible character U+{ord(character):04X} at column "
    assert warnings(f"https://x.example/?a={character}{{Oid}}", Place.URL)[0].startswith(name)
    assert warnings(f'{{"a":"b{character}"}}', Place.JSON)[0].startswith(name)
    assert OID in warnings(f'{{"a":"{{O{character}id}}"}}', Place.JSON)[0]


@pytest.mark.parametrize(
    ("place", "source"),
    [
        (Place.URL, "https://x.example/?user[name]={Oid}&ids[]={Oid}&a[b][c]=1&q=50%25&z=%41%42&d=%7B%22n%22%3A1%7D"),
        (Place.URL, "https://x.example/?b%5Bclick_id%5D=1&e=a@b.example&f=(x)"),
        (
            Place.JSON,
            '{"a":[null],"b":[true],"c":[{Amount}],"d":"${Payout} off, order #{Oid}, 100%, __bold__","e":[1]}',
        ),
        (Place.JSON, '{"a":{"b":{Payout}}}'),
        (Place.XML, "<a b='x&amp;c=1'><![CDATA[{Oid}]]></a>"),
        (Place.XML_VALUE, "a [Sale] & b <click> \u200d\u00a0"),
        (Place.JSON_VALUE, '{text("[click_id] %7BOid%7D")}'),
    ],
)
def test_what_has_its_use_is_not_warned_about(place: Place, source: str) -> None:
    assert warnings(source, place) == []


def test_a_macro_in_an_argument_in_a_join_or_in_a_key_is_found_too() -> None:
    assert CLICK in warnings('{default(SharedId, "[click_id]")}', Place.TEXT)[0]
    assert CLICK in warnings("{join(items, i, 's={i.sku}&c=%7Bclick_id%7D', '&')}", Place.FORM)[0]
    template = RequestTemplate("POST", "https://x.example/", "", "json", (("%7BOid%7D", "1"), ("a\u200b", "2")))
    assert [each.labelled for each in sample_warnings(template)] == [
        f"body, key “%7BOid%7D”: “%7BOid%7D” is sent as it stands. {OID}",
        "body, key “a\u200b”: The invisible character U+200B. Delete it, and write it anew.",
    ]
