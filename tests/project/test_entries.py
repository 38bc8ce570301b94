from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelaudit.errors import ProjectFileError
from wheelaudit.project.documents import UV_TOML_TABLE
from wheelaudit.project.entries import equal_toml, find_entries

TORCH = canonicalize_name("torch")

TABLES = """\
[[tool.uv.dependency-metadata]]
name = "Torch"
version = "2.6+CU126"
requires-dist = ["a"]

# Mine.
# Written by wheelaudit: torch 2.6.0 on cu126, 14 wheels in 3 variants.
[[tool.uv.dependency-metadata]]
name = "torch"
version = "2.6.0"

# Written by wheelaudit: apart from it.

[[tool.uv.dependency-metadata]]
name = "torch"
"""

INLINE = """\
[tool.uv]
dependency-metadata = [
    { name = "Torch", version = "2.6+CU126", requires-dist = ["a"] },
    # Mine.
    # Written by wheelaudit: torch 2.6.0 on cu126, 14 wheels in 3 variants.
    { name = "torch", version = "2.6.0" }, # Written by wheelaudit: not above.
    { name = "torch" },
]
"""


@pytest.mark.parametrize(("text", "lines"), [(TABLES, [1, 8, 14]), (INLINE, [3, 6, 7])])
def test_entries_are_read_in_order(text: str, lines: list[int]) -> None:
    first, second, third = find_entries(text)
    assert [entry.position for entry in (first, second, third)] == [0, 1, 2]
    assert [entry.line for entry in (first, second, third)] == lines
    assert dict(first.table) == {"name": "Torch", "version": "2.6+CU126", "requires-dist": ["a"]}
    assert (first.name, first.version) == (TORCH, Version("2.6.0+cu126"))
    assert [entry.ours for entry in (first, second, third)] == [False, True, False]
    assert second.comments[0] == "# Mine."
    assert len(second.comments) == 2
    assert (third.version, third.all_versions, first.all_versions) == (None, True, False)
    assert first.is_for(TORCH, Version("2.6.0.0+cu126"))
    assert not first.is_for(TORCH, Version("2.6.0"))
    assert not third.is_for(TORCH, Version("2.6.0"))
    assert first.faults == second.faults == third.faults == ()


def test_files_without_entries_have_none() -> None:
    assert find_entries("") == ()
    assert find_entries("[tool.uv]\npackage = false\n") == ()
    assert find_entries("[tool.uv]\ndependency-metadata = []\n") == ()
    assert find_entries('dependency-metadata = [{ name = "a" }]\n') == ()
    assert find_entries(TABLES, table=UV_TOML_TABLE) == ()


def test_uv_toml_has_them_at_the_top() -> None:
    (entry,) = find_entries('[[dependency-metadata]]\nname = "a"\n', table=UV_TOML_TABLE)
    assert entry.name == "a"


def test_header_in_a_string_is_no_entry() -> None:
    text = '[a]\nb = """\n[[tool.uv.dependency-metadata]]\nname = "a"\n"""\n'
    assert find_entries(text) == ()


def test_sub_table_that_stands_apart_belongs_to_its_entry() -> None:
    text = "[[tool.uv.dependency-metadata]]\nname = 'a'\n[b]\n[tool.uv.dependency-metadata.c]\nd = 1\n"
    (entry,) = find_entries(text)
    assert dict(entry.table) == {"name": "a", "c": {"d": 1}}
    assert [fault.key for fault in entry.faults] == ["c"]


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ('name = "a"', []),
        ('name = "a", version = "1", requires-python = ">=3.8", requires-dist = ["b>1; extra == \'c\'"]', []),
        ('name = "a", provides-extra = ["b"]', []),
        ('name = "a", requires-dist = ["b (>=1)"], provides-extras = ["b"]', []),
        ("", ["name"]),
        ('name = "a b"', ["name"]),
        ("name = 1", ["name"]),
        ('name = "a", version = "x"', ["version"]),
        ('name = "a", version = 2.6', ["version"]),
        ('name = "a", requires-python = "3.8"', ["requires-python"]),
        ('name = "a", requires-dist = "b"', ["requires-dist"]),
        ('name = "a", requires-dist = ["b", "- c", 1]', ["requires-dist", "requires-dist"]),
        ('name = "a", provides-extras = ["b c"]', ["provides-extras"]),
        ('name = "a", provides-extras = [], provides-extra = []', ["provides-extra"]),
        ('name = "a", requires_dist = [], dynamic = true', ["requires_dist", "dynamic"]),
    ],
)
def test_what_uv_cannot_read_is_told(fields: str, faults: list[str]) -> None:
    (entry,) = find_entries(f"tool.uv.dependency-metadata = [{{ {fields} }}]\n")
    assert [fault.key for fault in entry.faults] == faults
    assert all(fault.message.isprintable() for fault in entry.faults)


def test_element_that_is_no_table_is_an_entry_with_a_fault() -> None:
    first, second = find_entries("tool.uv.dependency-metadata = [1, { name = 'a' }]\n")
    assert (first.name, first.version, dict(first.table)) == (None, None, {})
    assert [fault.message for fault in first.faults] == ["It is not a table."]
    assert second.name == "a"


def test_invalid_toml_is_told_with_file_and_line() -> None:
    with pytest.raises(ProjectFileError, match=r"^pyproject\.toml is not valid TOML: .*at line 2"):
        find_entries("a = 1\nb\n", file="pyproject.toml")


@pytest.mark.parametrize("text", ["[tool.uv]\ndependency-metadata = {}\n", "tool.uv.dependency-metadata.name = 'a'\n"])
def test_table_in_the_place_of_the_array_is_told(text: str) -> None:
    with pytest.raises(ProjectFileError, match="not an array, so uv drops all of its settings"):
        find_entries(text)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([float("nan")], [float("nan")], True),
        (1, True, False),
        (1, 1.0, False),
        (0.0, -0.0, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ({}, [], False),
        ("1", 1, False),
    ],
)
def test_values_are_equal_when_no_reader_can_tell_them_apart(one: object, other: object, equal: bool) -> None:
    assert equal_toml(one, other) is equal
    assert equal_toml({"x": [one]}, {"x": [other]}) is equal
