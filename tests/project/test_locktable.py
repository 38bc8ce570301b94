"""On which line of a lock each of its packages begins."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.project.locktable import find_header_lines


def test_each_header_is_found_on_its_line() -> None:
    text = "version = 1\n\n[[package]]\n\n  [[ package ]] # a\n[[package.wheels]]\n[package.metadata]\n[[package]]"
    assert find_header_lines(text, "package", 3) == (3, 5, 8)
    assert find_header_lines(text.replace("\n", "\r\n"), "package", 3) == (3, 5, 8)


NO_HEADER = '"""\n[[package]]\n"""', "'''\n[[package]]\n'''", '[\n["package"],\n[["package"]]\n]', '"[[package]]"'


@pytest.mark.parametrize("value", NO_HEADER)
def test_what_looks_like_a_header_within_a_value_is_none(value: str) -> None:
    text = f"a = {value}\n# '''\n#[[package]]\n[[package]]\nb = {value}\n[[package]]\n"
    assert len(tomllib.loads(text)["package"]) == 2
    first = text.count("\n", 0, text.index("#[[package]]")) + 2
    assert find_header_lines(text, "package", 2) == (first, first + 2 + value.count("\n"))


@pytest.mark.parametrize("header", ['[["package"]]', "[['package']]", '[["pack\\u0061ge"]]', "[[\tpackage\t]]\t# c"])
def test_header_may_be_spelled_otherwise(header: str) -> None:
    text = f"\n{header}\n[[package]]\n"
    assert len(tomllib.loads(text)["package"]) == 2
    assert find_header_lines(text, "package", 2) == (2, 3)


@pytest.mark.parametrize(
    "text",
    ["package = [{ name = 'a' }]\n", "package = [\n{ name = 'a' },\n]\n", "[other]\n[[other.package]]\n", "no TOML ["],
)
def test_package_without_a_header_has_no_line(text: str) -> None:
    assert find_header_lines(text, "package", 1) == (None,)


def test_lock_without_packages_has_no_lines() -> None:
    assert find_header_lines("version = 1\n", "package", 0) == ()


# "\u2028" ends a line for Python, not for TOML.
values = st.one_of(
    st.text(alphabet="a[]#\u2028 ", max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from([*NO_HEADER, '"""\n[[package]]\n""" # """', '""" \\""" [[package]]\n"""', "[] # '''", "\"'''\""]),
)
blocks = st.lists(st.tuples(st.sampled_from(["[[package]]", " [[ package ]]", '[["package"]]']), st.lists(values)))


@given(values, blocks, st.sampled_from(["\n", "\r\n"]))
def test_lines_are_those_of_the_headers_that_were_written(
    top: str, drawn: list[tuple[str, list[str]]], newline: str
) -> None:
    text, expected = f"top = {top}\n", []
    for header, own in drawn:
        expected.append(text.count("\n") + 1)
        text += "".join([f"{header}\n", *(f"k{number} = {value}\n" for number, value in enumerate(own))])
    assert len(tomllib.loads(text).get("package", [])) == len(drawn)
    assert find_header_lines(text.replace("\n", newline), "package", len(drawn)) == tuple(expected)
