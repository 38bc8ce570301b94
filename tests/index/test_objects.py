from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.index.objects import ObjectParser

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def parse(data: bytes, size: int) -> dict[str, Any]:
    """Parse in pieces, and put together again what was handed out."""
    found: dict[str, Any] = {}
    entries: list[object] = []
    parser = ObjectParser("files", on_entry=entries.append, on_value=found.__setitem__)
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
    parser.close()
    return {**found, "files": entries} if parser.has_list else found


@given(
    st.dictionaries(st.text(max_size=6).filter(lambda key: key != "files"), VALUES, max_size=4),
    st.none() | st.lists(VALUES, max_size=6),
    st.integers(1, 50),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_object_in_pieces_is_what_json_says(
    members: dict[str, Any], files: list[Any] | None, size: int, indent: int | None, ascii_only: bool
) -> None:
    document = members if files is None else {**members, "files": files}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    assert parse(text.encode("utf-8", "surrogatepass" if ascii_only else "strict"), size) == document


@given(st.text('{}[]:,"files01.e- \nul\\\\', max_size=30), st.integers(1, 10))
def test_what_json_refuses_is_refused(text: str, size: int) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        expected = None
    try:
        found = parse(text.encode(), size)
    except ValueError:
        return  # an object that has the list twice is JSON and yet refused
    assert isinstance(expected, dict)
    assert found == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "breaks off"),
        ("{", "breaks off"),
        ("[]", "stands where { is due"),
        ("1", "stands where"),
        ('{"a": 1', "breaks off"),
        ('{"a": 1}}', "something follows"),
        ('{"a": 1,}', "a key is no string"),
        ('{"files": [1,]}', "breaks off"),
        ('{"files": [],"files": []}', "twice"),
    ],
)
def test_broken_object_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text.encode(), 3)


def test_entries_are_handed_out_before_the_end() -> None:
    entries: list[object] = []
    parser = ObjectParser("files", on_entry=entries.append, on_value=lambda *_: None)
    parser.feed(b'{"files": [{"a": 1}, {"b": 2}, {"c"')
    assert entries == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("text", ['{"a": "', '{"a": [', '{"a": [1,', '{"files": [{"a": "', '{"files": [['])
def test_value_that_never_ends_costs_no_more_than_twice_its_length(text: str) -> None:
    """Were each piece to begin anew, these 3 MB in pieces of 100 bytes would take hours."""
    parser = ObjectParser("files", on_entry=lambda _: None, on_value=lambda *_: None)
    parser.feed(text.encode())
    filler = b"1," * 50 if text.endswith(("[", ",")) else b"x" * 100
    for _ in range(30_000):
        parser.feed(filler)
    with pytest.raises(ValueError, match="breaks off"):
        parser.close()
