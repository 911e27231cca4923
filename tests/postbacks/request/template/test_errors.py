"""Every mistake is found when a template is compiled, and said with its place."""

# ruff: noqa: E501, ISC004 -- the messages stand whole, as users read them

import pytest

from actions.reports.parameters import ITEM_ATTRIBUTES, PARAMETERS
from postbacks.request.template import Place, TemplateError, compile_template
from postbacks.request.template.functions import FUNCTIONS
from postbacks.request.template.hints import FUNCTION_ALIASES, ITEM_ALIASES, PARAMETER_ALIASES


def errors(source: str, place: Place = Place.TEXT) -> list[str]:
    with pytest.raises(TemplateError) as caught:
        compile_template(source, place)
    return [str(error) for error in caught.value.errors]


def test_an_unknown_parameter_is_named_with_its_column_and_the_nearest_name() -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template("http://www.domain.com?campaign={CampaingId}", Place.URL)
    error = caught.value
    assert str(error) == "Unknown parameter {CampaingId} at column 32. Did you mean {CampaignId}?"
    assert (error.source, error.line, error.column) == ("http://www.domain.com?campaign={CampaingId}", 1, 32)
    assert (error.message, error.hint) == ("Unknown parameter {CampaingId}", "Did you mean {CampaignId}?")
    assert error.explain() == (
        "  http://www.domain.com?campaign={CampaingId}\n"
        "                                 ^\n"
        "Unknown parameter {CampaingId} at column 32. Did you mean {CampaignId}?"
    )


ATTRIBUTES = 'Attributes belong to the items of a join: {join(items, i, "sku{i}={i.sku}", "&", "?")}'
JOIN = 'It is written join(list, loop name, item template, [separator], [prefix]): {join(items, i, "sku{i}={i.sku}", "&", "?")}'
TRUNCATE = "It is written truncate(value, length): {truncate(Note, 4)}"
IF = 'It is written if(condition, then, [otherwise]): {if(CustomerStatus == "NEW", "1", "0")}'
MAP = 'It is written map(value, from, to, …, [otherwise]): {map(Status, "PENDING", "1", "APPROVED", "2", "0")}'
DATE = 'It is written date(value, format, [zone]): {date(EventDate, "%Y-%m-%d", "America/New_York")}'
COMPARISON = "Expected one of == != < > contains empty, found"
VALUE = "Expected a parameter, a function, a text in quotes or a number, found"
QUOTE = 'If the text was to go on: a quote inside it is written \\", or the text stands in the other quotes.'

NAMES = [
    ("{payout}", "Unknown parameter {payout} at column 1. Did you mean {Payout}?"),
    ("{SubID1}", "Unknown parameter {SubID1} at column 1. Did you mean {SubId1}?"),
    ("{CAMPAIGN_ID}", "Unknown parameter {CAMPAIGN_ID} at column 1. Did you mean {CampaignId}?"),
    ("{order_id}", "Unknown parameter {order_id} at column 1. Did you mean {Oid}?"),
    ("{clickid}", "Unknown parameter {clickid} at column 1. Did you mean {RefClickId}?"),
    ("{qqqqqq}", "Unknown parameter {qqqqqq} at column 1."),
    ("{%s}" % ("q" * 99), "Unknown parameter {%s…} at column 1." % ("q" * 40)),
    ("{lower}", "Unknown parameter {lower} at column 1. lower is a function: {lower(Status)}"),
    ("a {lower(Foo9)}", 'Unknown parameter Foo9 at column 10. A text stands in quotes: "Foo9".'),
    (
        "{default(SharedId, none)}",
        'Unknown parameter none at column 20. Did you mean Note? A text stands in quotes: "none".',
    ),
    ("{uper(Oid)}", "Unknown function uper at column 2. Did you mean upper(…)?"),
    ("{SHA256(Oid)}", "Unknown function SHA256 at column 2. Did you mean sha256(…)?"),
    ("{toLowerCase(Oid)}", "Unknown function toLowerCase at column 2. Did you mean lower(…)?"),
    ("{Oid(1)}", "Unknown function Oid at column 2. Oid is a parameter and takes no parentheses."),
    (
        "{zzzzz(Oid)}",
        f"Unknown function zzzzz at column 2. The functions are {' '.join(FUNCTIONS)}.",
    ),
]

ARGUMENTS = [
    ("{lower()}", "lower with no argument at column 2. It is written lower(value): {lower(Status)}"),
    ("{lower(Oid, Oid)}", "lower with 2 arguments at column 2. It is written lower(value): {lower(Status)}"),
    ("{truncate(Oid)}", f"truncate with 1 argument at column 2. {TRUNCATE}"),
    ("{map(Oid, '1')}", f"map with 2 arguments at column 2. {MAP}"),
    (
        "{truncate(Oid, 'x')}",
        f"Expected a whole number for the length of truncate, found the text “x” at column 16. {TRUNCATE}",
    ),
    (
        '{truncate(Oid, "20")}',
        "Expected a whole number for the length of truncate, found the text “20” at column 16. It stands without quotes: 20",
    ),
    ("{truncate(Oid, -1)}", f"Expected a whole number for the length of truncate, found “-1” at column 16. {TRUNCATE}"),
    (
        "{truncate(Oid, 1000000)}",
        "Expected a whole number for the length of truncate, found “1000000” at column 16. It has at most 6 digits.",
    ),
    ("{date(Oid, Oid)}", f"Expected a text in quotes for the format of date, found “Oid” at column 12. {DATE}"),
    (
        '{date(EventDate, "YYYY-MM-DD")}',
        "A date format without any code at column 19. A code begins with %, as in %Y-%m-%d.",
    ),
    (
        '{date(EventDate, "%F", "Mars/X")}',
        "Unknown time zone “Mars/X” at column 25. Zones are named as UTC or America/New_York.",
    ),
    (
        '{date(EventDate, "%F", "New York")}',
        'Unknown time zone “New York” at column 25. Did you mean "America/New_York"?',
    ),
    ("{number(Amount, 13)}", "More than 12 decimals asked for at column 17."),
    ("{raw(Oid, Oid)}", "raw with 2 arguments at column 2. It is written raw(value): {raw(Text1)}"),
    (
        "{text(Oid)}",
        'Expected a text in quotes for the literal of text, found “Oid” at column 7. It is written text(literal): {text("{Payout}")}',
    ),
]

CONDITIONS = [
    ('{if(empty Status, "a")}', f"{VALUE} “empty” at column 5. The word empty follows a value."),
    (
        "{if(Oid, 1, 2)}",
        f'{COMPARISON} “,” at column 8. It is written as in {{if(CustomerStatus == "NEW", "1", "0")}}',
    ),
    ('{if(Status = "A", 1)}', f"{COMPARISON} “=” at column 12. Equality is written ==."),
    ('{if(Status === "A", 1)}', f"{COMPARISON} “===” at column 12. Equality is written ==."),
    (
        "{if(Amount >= 5, 1)}",
        f"{COMPARISON} “>=” at column 12. There are > and <; a >= b is written if(a < b, otherwise, then).",
    ),
    ("{if(Oid is empty, 1)}", f"{COMPARISON} “is” at column 9. It is written value empty, or value == other."),
    (
        '{if(Oid == "A" and Status == "B", 1)}',
        "Expected a comma or the ) of if, found “and” at column 16. An if has one condition; another if may stand inside it.",
    ),
    ('{if(Oid == "A" ? 1 : 2)}', f"Expected a comma or the ) of if, found “?” at column 16. {IF}"),
    ("{if(Oid == A, 1)}", 'Unknown parameter A at column 12. A text stands in quotes: "A".'),
]

FORM = [
    ("{lower(Oid", "Expected a comma or the ) of lower, found the end at column 11."),
    ("{lower(Oid}", "Expected a comma or the ) of lower, found “}” at column 11."),
    ("{lower(Oid)", "Expected the } of the expression opened at column 1, found the end at column 12."),
    ("{lower(Oid)x}", "Expected the } of the expression opened at column 1, found “x” at column 12."),
    ("{lower(Oid))}", "Expected the } of the expression opened at column 1, found “)” at column 12."),
    ('{lower("Oid)}', "A text is opened by a quote here and not closed at column 8."),
    ("{lower(,)}", f"{VALUE} “,” at column 8."),
    ("{lower(é)}", f"{VALUE} “é” at column 8."),
    ("{lower(\x1b)}", f"{VALUE} the character U+001B at column 8."),
    ("{lower({Oid})}", f"{VALUE} “{{” at column 8. Inside a function a parameter stands without braces: lower(Status)"),
    ("{lower(“Oid”)}", f"{VALUE} “““ at column 8. Quotes are straight: \" or '.".replace("“““", "“\u201c”")),
    (
        '{default(Note, "a "quoted" word")}',
        f"Expected a comma or the ) of default, found “quoted” at column 20. {QUOTE}",
    ),
    ('{map(Status, "A": 1)}', f"Expected a comma or the ) of map, found “:” at column 17. {MAP}"),
    (
        "{lower(raw(Oid))}",
        "raw(…) inside a function at column 8. Write it around the whole expression: {raw(…)}",
    ),
    ("one\ntwo {Oyd}", "Unknown parameter {Oyd} at line 2, column 5. Did you mean {Oid}?"),
    ("one\r\ntwo {Oyd}", "Unknown parameter {Oyd} at line 2, column 5. Did you mean {Oid}?"),
    ("{" + "lower(" * 17 + "Oid" + ")" * 17 + "}", "More than 16 functions inside each other at column 98."),
]

ITEMS = [
    (
        "{i}",
        'Unknown parameter {i} at column 1. The items are written with join: {join(items, i, "sku{i}={i.sku}", "&", "?")}',
    ),
    ("{i.sku}", f"Unknown item {{i.sku}} at column 1. {ATTRIBUTES}"),
    ("{Oid.sku}", f"Unknown item {{Oid.sku}} at column 1. {ATTRIBUTES}"),
    (
        "{Oid.upper}",
        "Unknown item {Oid.upper} at column 1. A function stands around its value: {upper(CustomerCity)}",
    ),
    (
        "{items}",
        'Unknown parameter {items} at column 1. The items are written with join: {join(items, i, "sku{i}={i.sku}", "&", "?")}',
    ),
    ("{join(items, i, '{i.skuu}')}", "Unknown item attribute {i.skuu} at column 18. Did you mean {i.sku}?"),
    ("{join(items, i, '{i.quantity}')}", "Unknown item attribute {i.quantity} at column 18. Did you mean {i.qty}?"),
    (
        "{join(items, i, '{lower(i.zzz)}')}",
        "Unknown item attribute i.zzz at column 25. The attributes are sku cat qty amt cartamt rbt name brand mpn subcategory promocode deliverytype text1…text50 numeric1…numeric10 money1…money10 date1…date10.",
    ),
    ("{join(items, i, '{j.sku}')}", "Unknown item {j.sku} at column 18. Here the item is {i.sku}."),
    ("{join(items, i, '{sku}')}", "Unknown parameter {sku} at column 18. Did you mean {i.sku}?"),
    (r"{join(items, i, '\'\'{i.skuu}')}", "Unknown item attribute {i.skuu} at column 22. Did you mean {i.sku}?"),
    ("{join(item, i, 'x')}", "Unknown list item at column 7. The list is items."),
    ("{join(items, Oid, 'x')}", "The loop name Oid is taken at column 14. Choose another, such as i."),
    ("{join(items, empty, 'x')}", "The loop name empty is taken at column 14. Choose another, such as i."),
    (
        "{join(items, '{i.sku}')}",
        f"Expected a name such as i for the loop name of join, found the text “{{i.sku}}” at column 14. {JOIN}",
    ),
    (
        "{join(items, i, Oid)}",
        f"Expected a template in quotes for the item template of join, found “Oid” at column 17. {JOIN}",
    ),
    (
        "{join(items, i, '{join(items, j, \"x\")}')}",
        "A join inside another join at column 19. Both would run over the same items.",
    ),
    (
        "{lower(join(items, i, '{raw(i.sku)}'))}",
        "raw(…) inside a function at column 25. Write it around the whole expression: {raw(…)}",
    ),
]


@pytest.mark.parametrize(("source", "message"), [*NAMES, *ARGUMENTS, *CONDITIONS, *FORM, *ITEMS])
def test_each_mistake_has_its_message(source: str, message: str) -> None:
    assert errors(source) == [message]


def test_white_space_before_the_closing_brace_is_fine() -> None:
    assert compile_template("{lower(Oid) }", Place.TEXT).render({"Oid": "A"}) == "a"


def test_what_others_call_the_same_leads_to_names_that_exist() -> None:
    for aliases, names in (
        (PARAMETER_ALIASES, PARAMETERS),
        (FUNCTION_ALIASES, FUNCTIONS),
        (ITEM_ALIASES, ITEM_ATTRIBUTES),
    ):
        assert set(aliases.values()) <= set(names)
        assert all(alias == alias.lower() and alias.isalnum() for alias in aliases)


def test_an_unknown_date_code_is_answered_with_the_known_ones() -> None:
    assert errors('{date(EventDate, "%Y %k")}') == [
        "Unknown date code %k at column 22. Known are "
        "%Y %y %m %B %b %d %j %A %a %H %I %p %M %S %f %z %:z %Z %F %T %s %Q %%"
    ]
    assert errors('{date(EventDate, "100%")}')[0].startswith("Unknown date code % at column 22.")


def test_several_mistakes_are_reported_together_and_in_order() -> None:
    assert errors("{Payot} {join(items, i, '{i.skuu}{Oyd}')} {lower()}") == [
        "Unknown parameter {Payot} at column 1. Did you mean {Payout}?",
        "Unknown item attribute {i.skuu} at column 26. Did you mean {i.sku}?",
        "Unknown parameter {Oyd} at column 34. Did you mean {Oid}?",
        "lower with no argument at column 44. It is written lower(value): {lower(Status)}",
    ]
    assert len(errors("{Nope}" * 100)) == 20
    assert len(errors("https://x.example/" + "{" * 100, Place.URL)) == 20


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ("{lower(Oid}&{Payot}", [11, 13]),
        ("{lower({Payot})}&{Oyd}", [8, 18]),  # What stands in a broken expression is not looked at.
        ("{map(Status, 'a': '{b}')}{Oyd}", [17, 26]),
        ("{join(items, i, '{lower(i.sku}{i.skuu}')}{Oyd}", [30, 31, 42]),
        ("{nope(lower('}'))}{Oyd}", [2, 19]),
        ("{lower(Oid {Payot} {Oyd}", [12]),  # Not closed: whatever follows may be a part of it.
        ("{lower('Oid} {Payot}", [8]),
    ],
)
def test_after_a_broken_expression_the_next_one_is_still_checked(source: str, columns: list[int]) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(source, Place.TEXT)
    assert [error.column for error in caught.value.errors] == columns


HOST = "Scheme, host and port hold no placeholder; the path or query begins with / or ?."
WRITTEN = "It is written as in https://partner.example or https://partner.example:8443."


@pytest.mark.parametrize(
    ("source", "messages"),
    [
        ("https://x.example/{ Oid ", ["A { that belongs to no placeholder at column 19. Did you mean {Oid}?"]),
        (
            "https://x.example/{Campaign Id}",
            ["A { that belongs to no placeholder at column 19. Did you mean {CampaignId}?"],
        ),
        ("https://x.example/{Oid&n={Note}", ["A { that belongs to no placeholder at column 19. Did you mean {Oid}?"]),
        ("https://x.example/Oid}", ["A } that belongs to no placeholder at column 22. Did you mean {Oid}?"]),
        (
            "https://x.example/{Oid|upper}",
            [
                "A { that belongs to no placeholder at column 19. A function stands around its value, as in {lower(Status)}"
            ],
        ),
        (
            "https://x.example/{lower Oid}",
            ["A { that belongs to no placeholder at column 19. lower is written {lower(Status)}"],
        ),
        (
            "https://x.example/{{Oid}}",
            [
                "A { that belongs to no placeholder at column 19. One pair of braces is enough.",
                "A } that belongs to no placeholder at column 25. One pair of braces is enough.",
            ],
        ),
        (
            "https://x.example/{}",
            [
                "A { that belongs to no placeholder at column 19. A parameter is written {Name}; a brace itself is %7B in a URL."
            ],
        ),
        (
            "https://x.example/{join(items, i, '}{i.sku}')}",
            [
                "A } that belongs to no placeholder at column 36. A parameter is written {Name}; a brace itself is %7D in a URL."
            ],
        ),
        ("ftp://x.example/", ["A URL begins with http:// or https:// at column 1."]),
        ("x.example/in", ["A URL begins with http:// or https:// at column 1. Did you mean https://x.example?"]),
        ("https:/x.example", ["A URL begins with http:// or https:// at column 1. Did you mean https://x.example?"]),
        (
            "{LandingPageUrl}",
            ["A URL begins with http:// or https:// at column 1. Scheme, host and port hold no placeholder."],
        ),
        ("https://{Text1}.example/", [f"A placeholder in the host at column 9. {HOST}"]),
        ("https://x.example:{Numeric1}/", [f"A placeholder in the host at column 19. {HOST}"]),
        (
            "https://x.example{join(items, i, '{i.sku}', '', '?')}.evil",
            [f"A placeholder in the host at column 18. {HOST}"],
        ),
        ("https://x.example{join(items, i, '{i.sku}')}", [f"A placeholder in the host at column 18. {HOST}"]),
        ("https:///in", ["The host is missing at column 9."]),
        (
            "https://x.example:0/",
            ["“x.example:0” is not a host name, or host:port, at column 9. A port is a number from 1 to 65535."],
        ),
        ("https://x y/", [f"“x y” is not a host name, or host:port, at column 9. {WRITTEN}"]),
        (
            "https://u:p@x.example/",
            [
                "“u:p@x.example” is not a host name, or host:port, at column 9. "
                "Give a user and password in a header instead."
            ],
        ),
        (
            "https://x.example/#{Oid}",
            ["A fragment at column 19. What follows a # is never sent; the character itself is %23 in a URL."],
        ),
        ("https://x.example/a\tb", ["The control character U+0009 at column 20."]),
    ],
)
def test_mistakes_in_urls(source: str, messages: list[str]) -> None:
    assert errors(source, Place.URL) == messages


@pytest.mark.parametrize(
    ("place", "source", "message"),
    [
        (Place.HEADER, "a\tb", "The control character U+0009 at column 2."),
        (Place.HEADER, "{raw(Oid)}", "raw(…) in a header value at column 2. Leave it out: nothing is encoded here."),
        (
            Place.JSON,
            r'"\{Oid}"',
            r"A value right after a backslash, inside an escape; a backslash itself is written \\ in JSON, at column 3.",
        ),
        (
            Place.JSON,
            r'"\u00{Oid}"',
            r"A value right after a backslash, inside an escape; a backslash itself is written \\ in JSON, at column 6.",
        ),
        (
            Place.JSON,
            r'["{join(items, i, "{i.sku}", "\\\\\\")}"]',
            r"A value right after a backslash, inside an escape; a backslash itself is written \\ in JSON, at column 4.",
        ),
        (Place.XML, "<{Oid}>", "A value inside an XML tag, outside a quoted attribute, at column 2."),
        (Place.XML, "<a b={Oid}>", "A value inside an XML tag, outside a quoted attribute, at column 6."),
        (Place.XML, "<!-- > {Oid} -->", "A value inside an XML comment at column 8."),
        (Place.XML, "<?a {Oid}?>", "A value inside an XML processing instruction at column 5."),
        (Place.XML, "<!DOCTYPE {Oid}>", "A value inside an XML declaration at column 11."),
        (
            Place.XML,
            "<a>&#{Oid};</a>",
            "A value right after an &, inside a character reference; an & itself is written &amp; in XML, at column 6.",
        ),
    ],
)
def test_a_value_cannot_stand_where_it_would_be_structure(place: Place, source: str, message: str) -> None:
    assert errors(source, place) == [message]


@pytest.mark.parametrize(
    "source", ["""{join(items, i, '"{i.sku}', '",')}""", """[{join(items, i, '{i.sku}', '","', '"')}"]"""]
)
def test_a_join_must_close_what_it_opens(source: str) -> None:
    assert errors(source, Place.JSON)[0].startswith("A join whose parts open what they do not close at column")


def test_a_join_must_not_end_inside_an_escape_even_if_an_empty_text_follows() -> None:
    assert errors(r"""["{join(items, i, 'a{i.sku}\{text("")}', '","')}"]""", Place.JSON)[0].startswith(
        "A value right after a backslash, inside an escape"
    )


@pytest.mark.parametrize(
    ("place", "source", "warning"),
    [
        (
            Place.HEADER,
            "Bearer {Text1",
            "A { before Text1 that opens no placeholder at column 8. A placeholder is written without spaces, and closed: {Text1}.",
        ),
        (
            Place.JSON,
            '{"a": { Payout }, "b": {"Payout": {Payout}}}',
            "A { before Payout that opens no placeholder at column 7. A placeholder is written without spaces, and closed: {Payout}.",
        ),
        (
            Place.TEXT,
            '{default(SharedId, "{Oid}")}',
            "{Oid} in a plain text is written as it stands, at column 21. A value stands without quotes and braces: Oid. If the text is meant: text(…).",
        ),
        (
            Place.FORM,
            '{join(items, i, "{i.sku}", "&o={Oid}&")}',
            "{Oid} in a plain text is written as it stands, at column 32. A value stands without quotes and braces: Oid. If the text is meant: text(…).",
        ),
    ],
)
def test_what_is_legal_but_unlikely_to_be_meant_is_warned_about(place: Place, source: str, warning: str) -> None:
    assert [str(each) for each in compile_template(source, place).warnings] == [warning]


@pytest.mark.parametrize(
    "source", ['{"a":{"Payout":{Payout}}}', '{text("{Payout}")}', "{} {1} {a:1} { x }", '{upper(text("{Oid}"))}']
)
def test_ordinary_braces_are_not_warned_about(source: str) -> None:
    assert compile_template(source, Place.JSON).warnings == ()
