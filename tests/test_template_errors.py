"""Every mistake is found when a template is compiled, and said with its place."""

# ruff: noqa: E501, ISC004 -- the messages stand whole, as users read them

import pytest

from postbacks.template import Place, TemplateError, compile_template


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


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{payout}", "Unknown parameter {payout} at column 1. Did you mean {Payout}?"),
        ("{SubID1}", "Unknown parameter {SubID1} at column 1. Did you mean {SubId1}?"),
        ("{qqqqqq}", "Unknown parameter {qqqqqq} at column 1."),
        ("{lower}", "Unknown parameter {lower} at column 1. lower is a function: {lower(Status)}"),
        ("a {lower(Foo9)}", "Unknown parameter {Foo9} at column 10."),
        ("{uper(Oid)}", "Unknown function uper at column 2. Did you mean upper(…)?"),
        ("{lower()}", "lower with no argument at column 2. It is written lower(value)."),
        ("{lower(Oid, Oid)}", "lower with 2 arguments at column 2. It is written lower(value)."),
        ("{truncate(Oid)}", "truncate with 1 argument at column 2. It is written truncate(value, length)."),
        ("{map(Oid, '1')}", "map with 2 arguments at column 2. It is written map(value, from, to, …)."),
        ("{truncate(Oid, 'x')}", "Expected a whole number, found “x” at column 17."),
        ("{truncate(Oid, -1)}", "Expected a whole number, found “-1” at column 16."),
        ("{date(Oid, Oid)}", "Expected a string in quotes, found “Oid” at column 12."),
        (
            '{date(EventDate, "%F", "Mars/X")}',
            'Unknown time zone "Mars/X" at column 24. Zones are named as UTC or America/New_York.',
        ),
        ("{number(Amount, 13)}", "More than 12 decimals asked for at column 16."),
        ("{if(Oid, 1, 2)}", "Expected one of == != < > contains empty, found “,” at column 8."),
        ("{lower(Oid", "Expected a comma or the ) of lower, found the end at column 11."),
        ("{lower(Oid)", "Expected } at column 12. The expression opened at column 1 is not closed."),
        ("{lower(Oid) }", None),
        ("{lower(Oid)x}", "Expected } at column 12. The expression opened at column 1 is not closed."),
        ('{lower("Oid)}', "A string is opened here and not closed at column 8."),
        ("{lower(,)}", "Expected a parameter, a function, a string or a number, found “,” at column 8."),
        ("{lower(é)}", "Expected a parameter, a function, a string or a number, found “é” at column 8."),
        ("{i.sku}", "Unknown item {i.sku} at column 1. " + ATTRIBUTES),
        ("{Oid.sku}", "Unknown item {Oid.sku} at column 1. " + ATTRIBUTES),
        (
            "{items}",
            'Unknown parameter {items} at column 1. The items are written with join: {join(items, i, "sku{i}={i.sku}", "&", "?")}',
        ),
        ("{join(items, i, '{i.skuu}')}", "Unknown item attribute {i.skuu} at column 18. Did you mean {i.sku}?"),
        (
            "{join(items, i, '{i.zzz}')}",
            "Unknown item attribute {i.zzz} at column 18. The attributes are sku cat qty amt cartamt rbt name.",
        ),
        ("{join(items, i, '{j.sku}')}", "Unknown item {j.sku} at column 18. Here the item is {i.sku}."),
        (r"{join(items, i, '\'\'{i.skuu}')}", "Unknown item attribute {i.skuu} at column 22. Did you mean {i.sku}?"),
        ("{join(item, i, 'x')}", "Unknown list item at column 7. The list is items."),
        ("{join(items, Oid, 'x')}", "The loop name Oid is taken at column 14. Choose another, such as i."),
        (
            "{join(items, i, '{join(items, j, \"x\")}')}",
            "A join inside another join at column 19. Both would run over the same items.",
        ),
        ("{join(items, i, Oid)}", "Expected a template in quotes, found “Oid” at column 17."),
        ("{lower(raw(Oid))}", "raw(…) inside a function at column 8. Write it around the whole expression: {raw(…)}"),
        (
            "{lower(join(items, i, '{raw(i.sku)}'))}",
            "raw(…) inside a function at column 25. Write it around the whole expression: {raw(…)}",
        ),
        ("{text(Oid)}", "Expected a string in quotes, found “Oid” at column 7."),
        ("one\ntwo {Oyd}", "Unknown parameter {Oyd} at line 2, column 5. Did you mean {Oid}?"),
        ("{" + "lower(" * 17 + "Oid" + ")" * 17 + "}", "More than 16 functions inside each other at column 98."),
    ],
)
def test_each_mistake_has_its_message(source: str, message: str | None) -> None:
    if message is None:
        compile_template(source, Place.TEXT)
    else:
        assert errors(source) == [message]


def test_sixteen_functions_inside_each_other_are_fine() -> None:
    source = "{" + "lower(" * 16 + "Oid" + ")" * 16 + "}"
    assert compile_template(source, Place.TEXT).render({"Oid": "A"}) == "a"


def test_an_unknown_date_code_is_answered_with_the_known_ones() -> None:
    assert errors('{date(EventDate, "%Y %k")}') == [
        "Unknown date code %k at column 18. Known are "
        "%Y %y %m %B %b %d %j %A %a %H %I %p %M %S %f %z %:z %Z %F %T %s %Q %%"
    ]
    assert errors('{date(EventDate, "100%")}')[0].startswith("Unknown date code % at column 18.")


def test_several_mistakes_are_reported_together_and_in_order() -> None:
    assert errors("{Payot} {join(items, i, '{i.skuu}{Oyd}')} {lower()}") == [
        "Unknown parameter {Payot} at column 1. Did you mean {Payout}?",
        "Unknown item attribute {i.skuu} at column 26. Did you mean {i.sku}?",
        "Unknown parameter {Oyd} at column 34. Did you mean {Oid}?",
        "lower with no argument at column 44. It is written lower(value).",
    ]
    assert len(errors("{Nope}" * 100)) == 20


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "https://x.example/{ Oid ",
            "A { that belongs to no placeholder at column 19. A parameter is written {Name}; a brace itself is %7B in a URL.",
        ),
        (
            "https://x.example/{join(items, i, '}{i.sku}')}",
            "A } that belongs to no placeholder at column 36. A parameter is written {Name}; a brace itself is %7D in a URL.",
        ),
        ("ftp://x.example/", "A URL begins with http:// or https:// at column 1."),
        ("{LandingPageUrl}", "A URL begins with http:// or https:// at column 1."),
        (
            "https://{Text1}.example/",
            "A placeholder in the host at column 9. Scheme, host and port hold no placeholder; the path or query begins with / or ?.",
        ),
        (
            "https://x.example:{Numeric1}/",
            "A placeholder in the host at column 19. Scheme, host and port hold no placeholder; the path or query begins with / or ?.",
        ),
        (
            "https://x.example{join(items, i, '{i.sku}', '', '?')}.evil",
            "A placeholder in the host at column 18. Scheme, host and port hold no placeholder; the path or query begins with / or ?.",
        ),
        (
            "https://x.example{join(items, i, '{i.sku}')}",
            "A placeholder in the host at column 18. Scheme, host and port hold no placeholder; the path or query begins with / or ?.",
        ),
        ("https:///in", "Not a host name, or host:port, at column 9."),
        ("https://x.example:0/", "Not a host name, or host:port, at column 9."),
        ("https://x y/", "Not a host name, or host:port, at column 9."),
        ("https://x\\@y/", "Not a host name, or host:port, at column 9. Give a user and password in a header instead."),
        (
            "https://u:p@x.example/",
            "Not a host name, or host:port, at column 9. Give a user and password in a header instead.",
        ),
        (
            "https://x.example/#{Oid}",
            "A fragment at column 19. What follows a # is never sent; the character itself is %23 in a URL.",
        ),
        ("https://x.example/a\tb", "The control character U+0009 at column 20."),
    ],
)
def test_mistakes_in_urls(source: str, message: str) -> None:
    assert errors(source, Place.URL) == [message]


@pytest.mark.parametrize(
    ("place", "source", "message"),
    [
        (Place.HEADER, "a\tb", "The control character U+0009 at column 2."),
        (Place.HEADER, "{raw(Oid)}", "raw(…) in a header value at column 2."),
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


def test_a_template_of_more_than_8_kib_is_refused() -> None:
    assert compile_template("x" * 8192, Place.TEXT).render({}) == "x" * 8192
    assert errors("é" * 4097) == ["The template is longer than 8 KiB at column 4098."]


def test_a_caret_points_into_the_right_line_and_window() -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template('{\n\t"a": "{Oyd}"\n}\n', Place.JSON)
    assert caught.value.with_caret() == '  \t"a": "{Oyd}"\n  \t      ^'
    with pytest.raises(TemplateError) as caught:
        compile_template("x" * 200 + "{Oyd}" + "y" * 200, Place.TEXT)
    line, caret = caught.value.with_caret().split("\n")
    assert line[caret.index("^") :].startswith("{Oyd}")
    assert (line[2], line[-1], len(line)) == ("…", "…", 104)
