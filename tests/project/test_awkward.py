"""Files that are hard to edit: each before and after, edited twice, and patched.

NAME.before.toml is written by hand, NAME.after.toml is golden: look at it, then
``--update-golden``. A name that starts with ``uv-toml`` is a uv.toml.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.version import Version

from tests.conftest import compare_with_golden
from tests.project.blocks import BLOCK, COMMENT, ENTRY
from wheelaudit.project.documents import PYPROJECT_TABLE, UV_TOML_TABLE
from wheelaudit.project.editing import apply_entry, remove_entry
from wheelaudit.project.entries import find_entries
from wheelaudit.project.files import read_document
from wheelaudit.project.patches import render_diff

AWKWARD = Path(__file__).parent / "awkward"
NAMES = sorted(path.name.removesuffix(".before.toml") for path in AWKWARD.glob("*.before.toml"))

UNCHANGED = {"already-right-by-hand"}
"""Where there is nothing to do."""

VERSION = Version("2.6.0+cu126")


def table_of(name: str) -> tuple[str, ...]:
    return UV_TOML_TABLE if name.startswith("uv-toml") else PYPROJECT_TABLE


def edit(path: Path, name: str) -> bytes:
    document = read_document(path)
    return document.encode(apply_entry(document.text, BLOCK, comment=COMMENT, table=table_of(name)))


def comments_of(data: bytes) -> list[str]:
    """List what stands behind every hash sign, in strings too, without our own comments."""
    found = re.findall(r"#[^\n\r]*", data.decode())
    return sorted(
        comment.rstrip(" \t,]}") for comment in found if not comment.startswith("# Written by wheelaudit: torch")
    )


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 25
    assert sorted(path.name.removesuffix(".after.toml") for path in AWKWARD.glob("*.after.toml")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_edit_gives_the_file_that_was_looked_at(name: str, request: pytest.FixtureRequest) -> None:
    before = AWKWARD / f"{name}.before.toml"
    after = AWKWARD / f"{name}.after.toml"
    compare_with_golden(after, edit(before, name), update=bool(request.config.getoption("--update-golden")))
    assert (after.read_bytes() == before.read_bytes()) is (name in UNCHANGED)


@pytest.mark.parametrize("name", NAMES)
def test_second_edit_changes_nothing(name: str) -> None:
    after = AWKWARD / f"{name}.after.toml"
    assert edit(after, name) == after.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_all_values_but_the_entry_are_kept(name: str) -> None:
    documents = [read_document(AWKWARD / f"{name}.{side}.toml") for side in ("before", "after")]
    before, after = (tomllib.loads(document.text) for document in documents)
    old, new = (find_entries(document.text, table=table_of(name)) for document in documents)
    matching = [entry for entry in new if entry.name == "torch" and entry.version == VERSION]
    assert len(matching) == 1
    if name not in UNCHANGED:
        assert matching[0].table == ENTRY
        assert matching[0].ours
        assert matching[0].comments[-1] == COMMENT
    rest = [[e.table for e in each if (e.name, e.version) != ("torch", VERSION)] for each in (old, new)]
    assert rest[0] == rest[1]
    assert repr(without_entries(before, table_of(name))) == repr(without_entries(after, table_of(name)))


@pytest.mark.parametrize("name", NAMES)
def test_no_comment_of_others_is_lost(name: str) -> None:
    before, after = (comments_of((AWKWARD / f"{name}.{side}.toml").read_bytes()) for side in ("before", "after"))
    assert before == after


@pytest.mark.parametrize("name", NAMES)
def test_line_ends_are_the_files_own(name: str) -> None:
    before, after = ((AWKWARD / f"{name}.{side}.toml").read_bytes() for side in ("before", "after"))
    crlf = before.count(b"\r\n") * 2 > before.count(b"\n")
    written = after[after.find(COMMENT.encode()) :][:200]
    assert (b"\r\n" in written) is crlf
    assert after.startswith(b"\xef\xbb\xbf") is before.startswith(b"\xef\xbb\xbf")
    if before.strip(b"\xef\xbb\xbf \n"):
        assert after.endswith(b"\n") is before.endswith(b"\n")


@pytest.mark.parametrize("name", NAMES)
def test_entry_that_is_removed_again_leaves_the_rest(name: str) -> None:
    before, after = (read_document(AWKWARD / f"{name}.{side}.toml") for side in ("before", "after"))
    table = table_of(name)
    removed = remove_entry(after.text, "Torch", VERSION, table=table)
    assert remove_entry(removed, "torch", VERSION, table=table) == removed
    assert not [e for e in find_entries(removed, table=table) if (e.name, e.version) == ("torch", VERSION)]
    old, new = (tomllib.loads(text) for text in (before.text, removed))
    assert repr(without_entries(old, table)) == repr(without_entries(new, table))
    assert COMMENT not in removed


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", ["pyproject.toml", "my projects/ü/pyproject.toml"])
def test_git_applies_the_patch_to_the_same_bytes(name: str, path: str, tmp_path: Path) -> None:
    before, after = ((AWKWARD / f"{name}.{side}.toml").read_bytes() for side in ("before", "after"))
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(before)
    patch = render_diff(before, after, path)
    assert (patch == b"") is (name in UNCHANGED)
    if patch:
        # Outside a repository, and without what this machine's git is told to do with line ends.
        command = ["git", "-c", "core.autocrlf=false", "-c", "core.eol=lf", "apply", "--whitespace=nowarn", "-"]
        subprocess.run(command, input=patch, cwd=tmp_path, check=True, timeout=60)
    assert file.read_bytes() == after


def without_entries(document: dict[str, object], table: tuple[str, ...]) -> object:
    """Return the document as a sorted list of its leaves, the entries left out."""

    def leaves(value: object, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
        if path == (*table, "dependency-metadata"):
            return []
        if isinstance(value, dict) and (value or path[:2] != ("tool", "uv")):
            return [leaf for key, each in value.items() for leaf in leaves(each, (*path, key))]
        return [(path, repr(value))]

    return sorted(leaves(document, ()))
