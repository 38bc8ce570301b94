from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import NormalizedName

from tests.report.examples import (
    COMMON,
    CUDA_LINES,
    ESCAPES,
    EXTRAS,
    build_consistent,
    build_override,
    build_torch,
    build_undecided,
    build_without_override,
)
from wheelaudit.audit.values import Deviation, Proof
from wheelaudit.report.toml import build_entry, render_override, render_toml

FOREIGN = st.text()
"""Without lone surrogates, which no TOML document holds (they are no Unicode scalar values)."""


def parse_entry(text: str) -> dict[str, object]:
    (entry,) = tomllib.loads(text)["tool"]["uv"]["dependency-metadata"]
    assert isinstance(entry, dict)
    return entry


def test_block_is_spelled_as_uv_users_write_it() -> None:
    override = build_override("attrs", 'idna>=3; sys_platform == "win32"', provides_extras=("dev",))
    assert render_override(override) == (
        "[[tool.uv.dependency-metadata]]\n"
        'name = "torch"\n'
        'version = "2.6.0+cu126"\n'
        'requires-python = ">=3.9.0"\n'
        "requires-dist = [\n"
        "    'attrs',\n"
        "    'idna>=3; sys_platform == \"win32\"',\n"
        "]\n"
        "provides-extras = [\n"
        "    'dev',\n"
        "]\n"
    )


def test_torch_gets_the_requirements_of_its_linux_wheels_in_order() -> None:
    override = build_torch().override
    assert override is not None
    assert parse_entry(render_override(override)) == {
        "name": "torch",
        "version": "2.6.0+cu126",
        "requires-python": ">=3.9.0",
        "requires-dist": [*COMMON, *CUDA_LINES, *EXTRAS],
        "provides-extras": ["optree", "opt-einsum"],
    }


def test_no_requirements_is_said_and_missing_keys_are_left_out() -> None:
    text = render_override(build_override(requires_python=None, provides_extras=()))
    assert parse_entry(text) == {"name": "torch", "version": "2.6.0+cu126", "requires-dist": []}


@given(requires=st.lists(FOREIGN), python=st.none() | FOREIGN, extras=st.lists(FOREIGN.map(NormalizedName)))
def test_any_text_survives_and_stays_printable(
    requires: list[str], python: str | None, extras: list[NormalizedName]
) -> None:
    override = replace(
        OVERRIDE,
        requires_dist=tuple(requires),
        requires_python=python,
        provides_extras=tuple(extras),
    )
    text = render_override(override)
    assert parse_entry(text) == build_entry(override)
    assert text.replace("\n", "").isprintable()
    assert not re.search(r"##\[|^\s*::", text, re.MULTILINE)


OVERRIDE = build_override()


def test_single_quotes_make_a_basic_string() -> None:
    text = render_override(build_override("attrs; extra == 'dev'", "a'\\\"b"))
    assert """    "attrs; extra == 'dev'",\n    "a'\\\\\\"b",\n""" in text


def test_workflow_command_in_a_string_is_none() -> None:
    line = 'attrs; platform_version == "##[error]x"'
    text = render_override(build_override(line, "attrs; extra == '##[x]'"))
    assert parse_entry(text)["requires-dist"] == [line, "attrs; extra == '##[x]'"]
    assert "##[" not in text


def test_text_that_no_toml_holds_is_a_bug_and_not_a_block() -> None:
    with pytest.raises(AssertionError, match="does not survive TOML"):
        render_override(build_override("\ud800"))


def test_report_has_a_comment_and_a_block_for_each_override() -> None:
    report = render_toml([build_torch(), build_torch()])
    block = render_override(OVERRIDE_OF_TORCH)
    comment = "# torch==2.6.0+cu126: union of 3 metadata variants over 14 wheels, by wheelaudit\n"
    assert report.text == f"{comment}{block}\n{comment}{block}"
    assert len(tomllib.loads(report.text)["tool"]["uv"]["dependency-metadata"]) == 2
    assert report.reasons == ()


OVERRIDE_OF_TORCH = build_torch().override or OVERRIDE


def test_releases_without_override_leave_no_text_and_give_reasons() -> None:
    report = render_toml([build_consistent(), build_undecided(), build_without_override()])
    assert report.text == ""
    consistent, undecided, unread = report.reasons
    assert consistent == "same==1.0: its wheels agree, so there is nothing to override."
    assert undecided.startswith("gone==1.0: undecided")
    assert unread.startswith("half==1.0: There is no override: 1 wheel was not read")


def test_override_that_deviates_says_so_in_its_comment() -> None:
    deviation = Deviation(environments=ESCAPES, extra=None, missing=("attrs",), unwanted=())
    audit = replace(build_torch(), proof=Proof(environments=84, deviations=(deviation,)))
    comment = render_toml([audit]).text.splitlines()[1]
    assert comment == "# Not faithful everywhere: 1 deviation from what the wheels ask for, listed in the report."


def test_reasons_are_safe_to_print() -> None:
    audit = replace(build_without_override(), no_override=ESCAPES)
    assert render_toml([audit]).reasons[0].isprintable()
