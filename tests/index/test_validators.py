from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.index.validators import MAX_ETAG, Validators, is_strong, may_keep, parse_validators

EARLY = "Fri, 20 Nov 2026 10:00:00 GMT"
LATE = "Fri, 20 Nov 2026 10:00:01 GMT"


@pytest.mark.parametrize("etag", ['"abc"', 'W/"abc"', '""', '"-1:2%3,gzip"'])
def test_etag_goes_back_as_it_came(etag: str) -> None:
    assert parse_validators({"etag": f" {etag} "}).conditions == {"If-None-Match": etag}


@pytest.mark.parametrize(
    "etag", ["abc", '"a"b"', '"a b"', '"\xe9"', '"a\r\nX: y"', 'w/"a"', "", '"' + "x" * MAX_ETAG + '"']
)
def test_etag_that_could_not_go_back_is_none(etag: str) -> None:
    assert parse_validators({"etag": etag}) == Validators()


def test_etag_takes_precedence_over_the_date() -> None:
    both = parse_validators({"etag": '"a"', "last-modified": EARLY, "date": LATE})
    assert both == Validators(etag='"a"', last_modified=EARLY)
    assert both.conditions == {"If-None-Match": '"a"'}


@pytest.mark.parametrize(
    ("modified", "date", "usable"),
    [
        (EARLY, LATE, True),
        (EARLY, EARLY, False),
        (LATE, EARLY, False),
        (EARLY, "", False),
        ("2026-11-20", LATE, False),
        ("Fri, 99 Nov 2026 10:00:00 GMT", LATE, False),
    ],
)
def test_date_counts_if_the_file_was_older_than_a_second(modified: str, date: str, usable: bool) -> None:
    expected = {"If-Modified-Since": modified} if usable else {}
    assert parse_validators({"last-modified": modified, "date": date}).conditions == expected


@given(st.text(), st.text(), st.text())
def test_whatever_a_server_says_makes_a_header_or_none(etag: str, modified: str, date: str) -> None:
    conditions = parse_validators({"etag": etag, "last-modified": modified, "date": date}).conditions
    assert all(value.isascii() and value.isprintable() for value in conditions.values())


@pytest.mark.parametrize(
    ("etag", "strong"), [('"a"', True), ('W/"a"', False), (None, False)], ids=["strong", "weak", "none"]
)
def test_weak_etag_promises_no_bytes(etag: str | None, strong: bool) -> None:
    assert is_strong(etag) is strong


@pytest.mark.parametrize(
    ("control", "kept"),
    [("", True), ("no-cache, max-age=0", True), ("no-store", False), ("private, No-Store ,x", False)],
)
def test_only_no_store_forbids_keeping(control: str, kept: bool) -> None:
    assert may_keep({"cache-control": control}) is kept
    assert may_keep({})
