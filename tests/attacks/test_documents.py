"""Settings and locks are the user's own, and may come from anybody's repository all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelaudit.errors import ProjectFileError, UsageError
from wheelaudit.index.selection import parse_spec
from wheelaudit.project import documents
from wheelaudit.project.documents import MAX_DOCUMENT_BYTES, MAX_KEY_PARTS, parse_toml, read_document
from wheelaudit.project.entries import find_entries
from wheelaudit.project.files import read_document as read_for_editing
from wheelaudit.project.lockfile import find_locked


def test_settings_file_of_megabytes_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(b"#" * (MAX_DOCUMENT_BYTES + 1))
    for read in (read_document, read_for_editing):
        with pytest.raises(ProjectFileError, match=r"pyproject\.toml .*more than 4 MiB"):
            read(path)
    path.write_bytes(b"#" * MAX_DOCUMENT_BYTES)
    assert read_document(path) == {}


@pytest.mark.parametrize("part", ["a", '"a.b"', "'a'", " a "])
@pytest.mark.parametrize("frame", ["{} = 1", "[{}]", "[[{}]]"])
def test_key_of_many_parts_is_refused_with_its_line(part: str, frame: str) -> None:
    text = "x = 1\n" + frame.format(".".join([part] * 50_000)) + "\n"
    with pytest.raises(ValueError, match=r"more than 200 parts \(at line 2\)"):
        parse_toml(text)
    with pytest.raises(ProjectFileError, match="more than 200 parts"):
        find_locked(text)


@given(st.integers(1, MAX_KEY_PARTS))
def test_key_of_fewer_parts_is_read(parts: int) -> None:
    value: object = parse_toml(".".join(["a"] * parts) + " = 1")
    for _ in range(parts):
        assert isinstance(value, dict)
        value = value["a"]
    assert value == 1


def test_dots_in_texts_and_comments_are_no_key() -> None:
    dots = ". " * 1000
    assert parse_toml(f'# a.{dots}\nx = "{dots}"\n') == {"x": dots}
    assert parse_toml(f'x = """\n{dots}\nand 1{".1" * 150}\n"""') == {"x": f"{dots}\nand 1{'.1' * 150}\n"}


def test_settings_of_ordinary_size_stay_far_below_the_limit() -> None:
    own = Path(documents.__file__).parents[3] / "pyproject.toml"
    assert own.stat().st_size * 100 < MAX_DOCUMENT_BYTES


def test_override_with_a_requirement_in_parentheses_is_at_fault_and_no_bug() -> None:
    deep = "(" * 100_000
    text = f"[[tool.uv.dependency-metadata]]\nname = 'a'\nversion = '1'\nrequires-dist = ['b; {deep}']\n"
    (entry,) = find_entries(text)
    assert [fault.key for fault in entry.faults] == ["requires-dist"]
    assert len(entry.faults[0].message) < 1000


def test_spec_in_parentheses_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="is not a requirement"):
        parse_spec(f"demo; {'(' * 100_000}")
