"""Compiling looks closely only where there may be something to find; a close look at the rest would find nothing."""

import contextlib
from dataclasses import astuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actions.reports.parameters import PARAMETERS
from postbacks.request.template import Place
from postbacks.request.template.atoms import read
from postbacks.request.template.documents import _holds_a_document, _split, with_documents
from postbacks.request.template.errors import EnoughMistakesError, Mistakes
from postbacks.request.template.inspection import Inspector
from postbacks.request.template.nodes import Join, Node, Value, literal_text
from postbacks.request.template.parser import _Parser, _Scope, parse
from postbacks.request.template.query import _Reader, with_one_query
from postbacks.request.template.tokens import Cursor, Span

# Each of the first tells of a mistake by another mark than the others do.
_ODD = (
    *("[click_id]", "${A-B}", "$(Oid)", "#CLICK#", "%23CLICK%23", "%%CLICK%%", "%CLICK%", "%5BOid%5D", "%7BOid%7D"),
    *("{{Oid}}", "{ Oid}", "{$x}", "{click id}", "<%= Oid %>", "@oid@", "*|OID|*", "((Oid))", "=(oid)", "=<oid>"),
    *("__CLICKID__", "&amp;", "&#38;", "&lbrace;x", "\\u007bOid", "\uff5bOid\uff5d", "\u200b", "{", "}", "#", "\x1f"),
    *("\x7f", "\x85", "\n"),
)
_AROUND = ("${Oid}", "%{Oid}%", "%%{Oid}%%", "%7B{Oid}%7D", "{{Oid}}", "\uff5b{Oid}\uff5d")
_PLAIN = ("a", "_", "=", "&b=", "?c=", "/", "x;", "<t>", "<t a='", "'>", '"', "]", "{Oid}", "{Payout}", "{raw(Text1)}")
_JOINS = ("{join(items, i, '&s{i}={i.sku}')}", "{join(items, i, '[sku]', '__A__', '#A#')}", '{text("[a_b]")}')
_URL = "https://x.example/"

pieces = st.lists(st.sampled_from(_ODD + _AROUND + _JOINS) | st.sampled_from(_PLAIN), max_size=8).map("".join)


class Thorough(Inspector):
    """Looks at everything."""

    def is_worth_a_look(self, _text: str) -> bool:
        return True


def inspected(kind: type[Inspector], nodes: tuple[Node, ...], place: Place) -> list[tuple[int, str, str]]:
    """What is noted of a template."""
    mistakes = Mistakes("")
    with contextlib.suppress(EnoughMistakesError):
        kind(place, mistakes).inspect(nodes, literal_text(nodes))
    return [(each.offset, each.message, each.hint) for each in (*mistakes.errors, *mistakes.warnings)]


@pytest.mark.parametrize("place", Place, ids=str)
def test_nothing_odd_is_passed_by(place: Place) -> None:
    told = 0
    for text in _ODD + _AROUND + _JOINS:
        nodes = parse(text, Mistakes(text))
        assert inspected(Inspector, nodes, place) == inspected(Thorough, nodes, place), text
        told += bool(inspected(Inspector, nodes, place))
    assert told > len(_ODD) / 2


@settings(max_examples=150, deadline=None)
@given(pieces, st.sampled_from(Place))
def test_nothing_odd_is_passed_by_among_other_text(text: str, place: Place) -> None:
    nodes = parse(text, Mistakes(text))
    assert inspected(Inspector, nodes, place) == inspected(Thorough, nodes, place)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(_PLAIN + _JOINS), max_size=8).map("".join), st.booleans())
@example(text="?a={Oid}?b={Oid}", form=False)
@example(text="&a={Oid}", form=False)
@example(text="?a=1{join(items, i, '{i.sku}', '&', '?')}", form=False)
@example(text="?a=1{raw(join(items, i, '{i.sku}', '&', '?'))}", form=False)
@example(text="a=1{join(items, i, '{i.sku}', '&', '?')}", form=True)
def test_no_second_query_is_passed_by(text: str, form: bool) -> None:
    source = text if form else _URL + text
    nodes = parse(source, Mistakes(source))
    short, close = Mistakes(source), Mistakes(source)
    reader = _Reader(close, form)
    assert with_one_query(nodes, literal_text(nodes), short, form=form) == tuple(
        each for node in nodes for each in reader.read(node)
    )
    for found, expected in ((short.warnings, close.warnings), (short.refusals, close.refusals)):
        assert [(each.offset, each.message) for each in found] == [(each.offset, each.message) for each in expected]


_OF_XML = (
    *("<t>", "</t>", "<t a='", "'/>", '"', "a=", "b={Oid}", "?", "<?", "?>", '<?xml version="1.0"?>', "&", "&amp;"),
    *("&lt;", "{Oid}", "http://y.example/", "<![CDATA[", "]]>", '{"n":"', '"}', "[", "]", "<!--", "-->", "='"),
    *("{join(items, i, 'a={i.sku}')}", "{join(items, i, '<?b={i}', '?', '&amp;')}"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_OF_XML), min_size=2, max_size=9).map("".join))
@example("<t>?b={Oid}</t>")
@example("<t>a={Oid}&amp;b={Note}</t>")
@example("""<t a='<?b="{Oid}"'/>""")
@example("""<t>{"n":"{Oid}"}</t>""")
@example("""<t>["{Oid}"]</t>""")
@example("""<?xml version="1.0"?><t a="{Oid}">{Note}</t>""")
def test_no_document_inside_xml_is_passed_by(text: str) -> None:
    nodes = parse(text, Mistakes(text))
    holds_one = _holds_a_document(_split(read(nodes, Place.XML), Place.XML))
    assert (with_documents(nodes, literal_text(nodes), Place.XML, Mistakes(text)) is not nodes) == holds_one


def test_a_parameter_is_read_like_any_other_expression() -> None:
    for name in PARAMETERS:
        for loop_name in (None, "i", name):
            source = f"a{{{name}}}"
            expected = _Parser(Mistakes(source)).node(Cursor(Span.whole(source), 2), _Scope(loop_name))
            nodes = _Parser(Mistakes(source)).template(Span.whole(source), _Scope(loop_name))
            assert nodes[1:] == (expected,)
            assert type(nodes[1]) is type(expected)
            assert astuple(expected)[-2 if isinstance(expected, Value) else -1] == 1


def test_a_parameter_in_an_item_knows_its_place_in_the_whole_template() -> None:
    source = r"""{join(items, i, 'it\'s \\{Oid}{i.sku}{Note}')}"""
    [join] = parse(source, Mistakes(source))
    assert isinstance(join, Join)
    places = {node.parameter.name: node.offset for node in join.item if isinstance(node, Value)}
    assert places == {name: source.index(f"{{{name}}}") for name in ("Oid", "Note")}
