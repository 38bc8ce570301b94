"""An entry is put into a file's text, and nothing else happens to it. See test_awkward.py for whole files."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.version import Version

from tests.project.blocks import BLOCK, BODY, COMMENT, ENTRY
from tests.project.drawn import Drawn, documents
from tests.report.examples import build_override
from wheelaudit.errors import ProjectFileError
from wheelaudit.project.documents import UV_TOML_TABLE
from wheelaudit.project.editing import apply_entry, remove_entry, remove_entry_at, replace_entry_at
from wheelaudit.project.entries import equal_toml, find_entries
from wheelaudit.project.statements import parse_statements
from wheelaudit.report.toml import render_override

VERSION = Version("2.6.0+cu126")


def edit(text: str, **options: Any) -> str:
    return apply_entry(text, BLOCK, comment=COMMENT, **options)


def others_of(text: str) -> tuple[object, list[object]]:
    """Return the document without uv's entries, and the entries without the one for torch 2.6.0+cu126."""
    document: dict[str, Any] = tomllib.loads(text)
    settings = document.get("tool", {}).get("uv", {})
    entries = settings.pop("dependency-metadata", [])
    if not settings and "tool" in document:
        document["tool"].pop("uv", None)
        if not document["tool"]:
            del document["tool"]
    torch = {entry.position for entry in find_entries(text) if entry.name == "torch" and entry.version == VERSION}
    return document, [entry for number, entry in enumerate(entries) if number not in torch]


def comments_of(text: str) -> list[str]:
    comments = (comment for statement in parse_statements(text) for comment in statement.comments)
    return sorted(comment for comment in comments if not comment.startswith("# Written by wheelaudit:"))


def test_block_of_these_tests_is_spelled_as_the_report_spells_it() -> None:
    override = build_override(*ENTRY["requires-dist"], provides_extras=("optree",))
    assert render_override(override) == BLOCK


@given(drawn=documents())
def test_any_document_keeps_all_but_the_entry_or_is_refused(drawn: Drawn) -> None:
    if drawn.closed:
        with pytest.raises(ProjectFileError, match="inline table"):
            edit(drawn.text)
        return
    after = edit(drawn.text)
    assert equal_toml(list(others_of(after)), list(others_of(drawn.text)))
    (entry,) = (entry for entry in find_entries(after) if entry.name == "torch" and entry.version == VERSION)
    assert (entry.table, entry.ours) == (ENTRY, True)
    assert comments_of(after) == comments_of(drawn.text)
    assert edit(after) == after
    if drawn.head is not None:
        # Character for character; comments from within the old entry come before the new one.
        assert after.startswith(drawn.head)
        assert after.endswith(drawn.tail)


@given(drawn=documents())
def test_new_entry_only_adds_to_the_text(drawn: Drawn) -> None:
    assume(not drawn.closed)
    before = remove_entry(drawn.text, "torch", VERSION)
    after = edit(before)
    # Space before the bracket that closes an inline array may go; nothing else does.
    rest = iter(after.replace(" ", "").replace("\t", ""))
    assert all(character in rest for character in before.replace(" ", "").replace("\t", ""))


@given(drawn=documents())
def test_removal_keeps_all_but_the_entry(drawn: Drawn) -> None:
    after = remove_entry(drawn.text, "TORCH", VERSION)
    assert equal_toml(list(others_of(after)), list(others_of(drawn.text)))
    assert not any(entry.name == "torch" and entry.version == VERSION for entry in find_entries(after))
    if drawn.head is not None:
        assert after.startswith(drawn.head.rstrip())
        assert after.endswith(drawn.tail.lstrip())
    assume(not drawn.closed)
    edited = edit(after)
    assert equal_toml(list(others_of(remove_entry(edited, "torch", VERSION))), list(others_of(after)))


@given(text=st.text(alphabet="[]{}\"'=#,.\n\r\t ab1\\", max_size=60) | st.text())
def test_any_text_is_edited_rightly_or_refused(text: str) -> None:
    try:
        after = edit(text)
    except ProjectFileError:
        return
    assert equal_toml(list(others_of(after)), list(others_of(text)))
    assert edit(after) == after


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\nb = \n", r"pyproject\.toml is not valid TOML: .*line 2"),
        ("a = 1\rb = 2\n", "is not valid TOML"),
        ("a = 1\nb = 2\0\n", "is not valid TOML"),
        ("a = 1\n\ufeffb = 2\n", "is not valid TOML"),
        (f"a = {'1' * 5000}\n", "is not valid TOML"),
        (f"a = {'[' * 100000}\n", "nested too deeply|not valid TOML"),
        ("[tool.uv]\ndependency-metadata = {}\n", r"tool\.uv\.dependency-metadata is not an array"),
        ("[tool.uv.dependency-metadata]\nname = 'a'\n", "is not an array"),
        ("[tool.uv]\ndependency-metadata.name = 'a'\n", "is not an array"),
        ("[tool.uv]\ndependency-metadata = 1\n", "is not an array"),
        ("[[tool]]\n", "tool is not a table"),
        ("tool = 1\n", "tool is not a table"),
        ("[tool]\nuv = []\n", r"tool\.uv is not a table"),
        ("[tool]\n\nuv = { package = false }\n", r"cannot be edited safely: tool\.uv is an inline table \(line 3\)"),
        ("tool = { uv = {} }\n", r"cannot be edited safely: tool is an inline table \(line 1\)"),
        ("tool = { uv = { dependency-metadata = [] } }\n", "cannot be edited safely: tool is an inline table"),
        ("[tool]\nuv = { dependency-metadata = [{ name = 'a' }] }\n", "cannot be told where each entry"),
    ],
)
def test_file_that_cannot_be_edited_is_refused_with_the_block(text: str, message: str) -> None:
    with pytest.raises(ProjectFileError, match=message) as caught:
        edit(text, file="pyproject.toml")
    assert caught.value.remedy is not None
    assert caught.value.remedy.endswith(f"\n\n{COMMENT}\n{BLOCK}".rstrip())


def test_block_to_paste_has_the_header_of_a_uv_toml() -> None:
    with pytest.raises(ProjectFileError) as caught:
        edit("dependency-metadata = {}\n", table=UV_TOML_TABLE, file="uv.toml")
    assert f"{COMMENT}\n[[dependency-metadata]]\n{BODY}".rstrip() in str(caught.value)


def test_removal_of_what_is_not_there_changes_nothing() -> None:
    text = "[tool.uv]\r\npackage = false"
    assert remove_entry(text, "torch", VERSION) == text
    assert remove_entry("", "torch", VERSION) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[tool.uv]\npackage = false\n",
        "[a]\r\nb = 1\r\n",
        "[tool.uv]\npackage = false\n\n# About it.\n[tool.a]\n",
        "a = 1",
    ],
)
def test_removal_undoes_the_edit_byte_for_byte(text: str) -> None:
    assert remove_entry(edit(text), "torch", VERSION) == text


def test_entry_for_all_versions_is_another_one() -> None:
    text = '[[tool.uv.dependency-metadata]]\nname = "torch"\n'
    assert edit(text) == f"{text}\n{COMMENT}\n{BLOCK}"
    assert remove_entry(text, "torch", VERSION) == text


def test_right_entry_of_others_is_left_to_them() -> None:
    text = f"# By hand.\n{BLOCK}"
    assert edit(text) == text


def test_right_entry_of_ours_gets_the_new_comment() -> None:
    text = f"{COMMENT.replace('14', '12')}\n{BLOCK}"
    assert edit(text) == f"{COMMENT}\n{BLOCK}"


def test_right_entry_with_a_duplicate_is_not_left() -> None:
    assert edit(f"{BLOCK}\n{BLOCK}") == f"{COMMENT}\n{BLOCK}"


def test_order_of_requirements_is_a_difference() -> None:
    swapped = BLOCK.replace("'filelock',\n    ", "").replace('"x86_64"\',', "\"x86_64\"',\n    'filelock',")
    assert tomllib.loads(swapped) != tomllib.loads(BLOCK)
    assert edit(swapped) == f"{COMMENT}\n{BLOCK}"


@pytest.mark.parametrize("comment", ["# something else", "Written by wheelaudit: torch", f"{COMMENT}\nname = 1", ""])
def test_comment_that_is_not_ours_is_a_bug(comment: str) -> None:
    with pytest.raises(ValueError, match="not a comment line of ours"):
        apply_entry("", BLOCK, comment=comment)


@pytest.mark.parametrize("block", ["", "a = 1\n", BLOCK + BLOCK, "[[tool.uv.index]]\nname = 'a'\nversion = '1'\n"])
def test_block_that_is_not_one_entry_is_a_bug(block: str) -> None:
    with pytest.raises(ValueError, match="not one dependency-metadata block"):
        apply_entry("", block, comment=COMMENT)


INLINE = """\
[tool.uv]
dependency-metadata = [
    # theirs
    { name = "thing", version = "1", requires-dist = ["a"] }, # first
    # Written by wheelaudit: by a test.
    { name = "thing", version = "1", requires-dist = ["b"] },
    { name = "other", version = "1", requires-dist = ["c"] },
]
"""


def test_one_of_several_entries_for_a_release_is_removed_and_nothing_else() -> None:
    removed = remove_entry_at(INLINE, 1)
    assert [entry.table["requires-dist"] for entry in find_entries(removed)] == [["a"], ["c"]]
    assert "    # theirs\n" in removed
    assert "Written by wheelaudit" not in removed
    assert [entry.table["requires-dist"] for entry in find_entries(remove_entry_at(INLINE, 0))] == [["b"], ["c"]]


def test_one_of_several_entries_for_a_release_is_replaced_and_nothing_else() -> None:
    block = '[[tool.uv.dependency-metadata]]\nname = "thing"\nversion = "1"\nrequires-dist = ["new"]\n'
    replaced = replace_entry_at(INLINE, 1, block, comment="# Written by wheelaudit: again.")
    assert [entry.table["requires-dist"] for entry in find_entries(replaced)] == [["a"], ["new"], ["c"]]
    assert [entry.ours for entry in find_entries(replaced)] == [False, True, False]
    assert replaced.count("# Written by wheelaudit") == 1
    assert replace_entry_at(replaced, 1, block, comment="# Written by wheelaudit: again.") == replaced


def test_entry_that_cannot_be_replaced_rightly_is_refused() -> None:
    text = '[tool]\nuv = { dependency-metadata = [{ name = "thing", version = "1", requires-dist = ["a"] }] }\n'
    with pytest.raises(ProjectFileError):
        remove_entry_at(text, 0)
