"""Lines of JSON are read in one of two ways; both come to the same."""

from __future__ import annotations

import pytest

from actions.reports import files
from actions.reports.rejected import Rejected

LINES = [
    b'{"OrderId":"SS-1","Amount":5}',
    b'{"OrderId":"SS-1","Items":[{"Sku":"A","SubTotal":"1"},{"Sku":"B","Quantity":2}]}',
    b'{"OrderId":"SS-1","Items":[]}',
    b'{"OrderId":"SS-1","Ids":[1,2,"3",null,true]}',
    b'{"Name":"Deck \\"Pro\\" 42","OrderId":"S\xc3\xa3o \\u00e3"}',
    b'{"OrderId" : "SS-1", "Amount"\t:5}',
    b'{"Amount":1.10,"OrderId":"x"}',
    b'{"Items":[{"SubTotal":1.10}]}',
    b'{"OrderId":123456789012345678901234567890}',
    b'{"OrderId":18446744073709551615,"Amount":-0}',
    b'{"a":1,"a":2}',
    b'{"a":1,"a" :2}',
    b'{"a":1,"a" :"","b":"\\":"}',
    b'{"a":"","a":2}',
    b'{"Items":[{"Sku":"A","Sku":"B"}]}',
    b'{"Items":{"Sku":"A","Sku":"B"}}',
    b'{"Items":[{"Told":{"a":1,"a":2}}]}',
    b'{"Items":[[{"a":1,"a":2}]]}',
    b'{"a":NaN}',
    b'{"a":"\\ud800"}',
    b'{"a":"\xff"}',
    b'\xef\xbb\xbf{"a":1}',
    b' {"a":1}\r\n',
    b"[1]",
    b"{}",
    b"5",
    b"",
    b"{",
    b'{"a":' * 20 + b"1" + b"}" * 20,
]


def read(line: bytes) -> object:
    try:
        fields = files.json_object(line)
    except Rejected as refusal:
        return refusal.reason_code, str(refusal), refusal.field
    return repr(fields)


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_both_ways_to_read_a_line_come_to_the_same(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(line)
    monkeypatch.setattr(files, "_plain_object", lambda _: None)
    assert found == read(line)


@pytest.mark.parametrize("line", LINES[:5], ids=range(5))
def test_most_lines_are_read_in_the_short_way(line: bytes) -> None:
    assert files._plain_object(line) is not None
