from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from tests.project.blocks import BLOCK, ENTRY
from tests.report.examples import ESCAPES
from wheelaudit.project.blocks import build_comment, parse_block, render_element, render_table
from wheelaudit.project.documents import UV_TOML_TABLE
from wheelaudit.project.entries import OWN_COMMENT, find_entries


def test_comment_says_what_was_read_and_no_date() -> None:
    comment = build_comment(project="torch", version="2.6.0+cu126", indexes=["cu126"], wheels=14, variants=3)
    assert comment == "# Written by wheelaudit: torch 2.6.0+cu126 on cu126, 14 wheels in 3 variants."


def test_comment_names_all_indexes_and_deviations() -> None:
    comment = build_comment(project="a", version="1", indexes=["cpu", "x"], wheels=1, variants=1, deviations=2)
    assert comment == "# Written by wheelaudit: a 1 on cpu, x, 1 wheel in 1 variant, 2 deviations."


@given(text=st.text() | st.just(ESCAPES))
def test_comment_of_any_text_is_one_comment_line(text: str) -> None:
    comment = build_comment(project=text, version=text, indexes=[text], wheels=1, variants=1)
    assert comment.isprintable()
    assert comment.startswith(OWN_COMMENT)
    assert tomllib.loads(f"{comment}\nkey = 1\n") == {"key": 1}


def test_block_is_read_with_its_release() -> None:
    block = parse_block(BLOCK.replace("\n", "\r\n"))
    assert (block.name, block.version) == ("torch", Version("2.6.0+cu126"))
    assert block.table == ENTRY
    assert [each.partition(" = ")[0] for each in block.assignments] == list(ENTRY)


def test_table_has_the_spelling_of_the_block() -> None:
    block = parse_block(BLOCK)
    assert render_table(block, ("tool", "uv", "dependency-metadata"), ["# c"]) == f"# c\n{BLOCK}"
    crlf = render_table(block, ("dependency-metadata",), [], "\r\n")
    assert crlf.startswith("[[dependency-metadata]]\r\nname")
    assert crlf.count("\r\n") == crlf.count("\n") == BLOCK.count("\n")


def test_element_means_the_same() -> None:
    text = f"dependency-metadata = [\n{render_element(parse_block(BLOCK), ['# c'], '  ')}\n]\n"
    (entry,) = find_entries(text, table=UV_TOML_TABLE)
    assert entry.table == ENTRY
    assert entry.comments == ("# c",)
