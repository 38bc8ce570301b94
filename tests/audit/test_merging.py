from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.audit.merging import merge_orders

sequences = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8), max_size=5)


@pytest.mark.parametrize(
    ("given_sequences", "expected"),
    [
        ([], ""),
        (["abc"], "abc"),
        (["aab", "bba"], "ab"),
        # After its nearest placed predecessor ...
        (["abc", "axbc"], "axbc"),
        (["abc", "ax", "ay"], "ayxbc"),
        # ... which may have found its place only now ...
        (["abc", "bxyc"], "abxyc"),
        # ... else before its nearest placed successor ...
        (["abc", "xc"], "abxc"),
        (["abc", "xyb"], "axybc"),
        # ... else last.
        (["ab", "xy"], "abxy"),
    ],
)
def test_new_line_is_placed_by_its_neighbours(given_sequences: list[str], expected: str) -> None:
    assert "".join(merge_orders(given_sequences)) == expected


@given(sequences)
def test_every_line_is_there_once(given_sequences: list[list[str]]) -> None:
    merged = merge_orders(given_sequences)
    assert sorted(merged) == sorted({line for sequence in given_sequences for line in sequence})


@given(sequences)
def test_first_sequence_keeps_its_order(given_sequences: list[list[str]]) -> None:
    if given_sequences:
        first = list(dict.fromkeys(given_sequences[0]))
        assert [line for line in merge_orders(given_sequences) if line in first] == first


@given(st.permutations("abcdefgh"), st.lists(st.sets(st.integers(0, 7)), max_size=5))
def test_sequences_that_share_an_order_are_merged_in_it_after_the_whole(
    whole: list[str], chosen: list[set[int]]
) -> None:
    parts = [[whole[number] for number in sorted(numbers)] for numbers in chosen]
    assert list(merge_orders([whole, *parts])) == whole


@given(sequences)
def test_repeated_sequences_change_nothing(given_sequences: list[list[str]]) -> None:
    assert merge_orders(given_sequences) == merge_orders([*given_sequences, *given_sequences])
