"""What `wheelaudit check` says, for a person and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import Golden
from tests.report.examples import ESCAPES
from wheelaudit.audit.values import Finding
from wheelaudit.report.check import CheckLine, read_check_schema, render_check, render_check_json

SCHEMA = json.loads(read_check_schema())
CURRENT = CheckLine(
    file="pyproject.toml",
    line=12,
    name="torch",
    version="2.6.0+cu126",
    label="torch 2.6.0+cu126",
    ours=True,
    status="current",
    findings=(),
    pairs=84,
    error=None,
)
STALE = replace(
    CURRENT,
    version="2.6.0+cu118",
    label="torch 2.6.0+cu118",
    line=40,
    status="stale",
    remedy="replaced",
    findings=(
        Finding(
            id="WA401",
            message="The override of torch==2.6.0+cu118 is not what its wheels ask for: in linux x86_64, CPython "
            "3.10-3.13 it lacks triton==3.2.0.",
            requirements=("triton==3.2.0",),
            help="Replace the entry.",
        ),
    ),
)
UNNEEDED = Finding(
    id="WA402",
    message="The override of torch==2.6.0+cu118 is not needed: all 8 wheels ask for the same.",
    help="Remove the entry. Then run `uv cache clean torch`: uv keeps what it once read there.",
)
FOREIGN = replace(STALE, ours=False, status="unneeded", remedy="removed", line=60, findings=(UNNEEDED,))
SHADOWED = replace(
    CURRENT, file="member/uv.toml", status="shadowed", pairs=None, findings=(Finding(id="WA404", message="No effect."),)
)
BROKEN = replace(CURRENT, name=None, version=None, label="an entry without a name", status="ineffective", pairs=None)
FAILED = replace(CURRENT, status="failed", pairs=None, error="The index has no project torch. Check its name.")
UNKNOWN = replace(CURRENT, status="unknown", pairs=None)
IGNORED = replace(CURRENT, status="unneeded", ignored=("WA402 until 2027-01-31: we wait for 2.7",))
ALL = (CURRENT, STALE, FOREIGN, SHADOWED, BROKEN, FAILED, UNKNOWN, IGNORED)


def render(*lines: CheckLine, written: tuple[str, ...] = (), width: int = 80) -> str:
    return render_check(lines, file="pyproject.toml", written=written, width=width, color=False)


@pytest.mark.parametrize("width", [80, 140])
def test_report_of_every_status(golden: Golden, width: int) -> None:
    text = render(*ALL, width=width)
    assert max(map(len, text.splitlines())) <= width
    golden(f"check/every-status.{width}.txt", text)


def test_nothing_to_check_is_said() -> None:
    assert render() == "pyproject.toml has no overrides (dependency-metadata), nothing to check.\n"


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        ((CURRENT,), "1 override, in order"),
        ((CURRENT, CURRENT), "2 overrides, all in order"),
        ((CURRENT, STALE), "2 overrides, 1 needs attention"),
        ((STALE, FAILED, UNKNOWN), "3 overrides, 3 need attention"),
        ((replace(STALE, mended=True),), "1 override, 1 mended"),
        ((replace(STALE, mended=True), FAILED), "2 overrides, 1 mended, 1 needs attention"),
        ((IGNORED,), "1 override, in order"),
    ],
)
def test_first_line_sums_up(lines: tuple[CheckLine, ...], head: str) -> None:
    assert render(*lines).splitlines()[0] == f"pyproject.toml: {head}"


def test_what_write_would_mend_is_offered_by_whose_it_is() -> None:
    ours, others = "`wheelaudit check --write` mends", "`wheelaudit check --write --all-entries` mends"
    assert ours in render(STALE)
    assert others not in render(STALE)
    assert others in render(FOREIGN)
    assert ours not in render(FOREIGN)
    assert "--write" not in render(CURRENT, SHADOWED, FAILED)


def test_what_was_mended_is_told_without_its_help() -> None:
    text = render(replace(STALE, mended=True), written=("pyproject.toml",))
    assert "replaced now" in text
    assert "help:" not in text
    assert text.endswith("Written: pyproject.toml. Now run `uv lock`.\n")
    assert "--write" not in text


def test_colour_adds_nothing_but_colour() -> None:
    import re

    colored = render_check(ALL, file="pyproject.toml", written=(), width=80, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(*ALL)


def test_foreign_text_is_inert() -> None:
    hostile = replace(
        STALE,
        file=ESCAPES,
        label=ESCAPES,
        error=ESCAPES,
        ignored=(ESCAPES,),
        findings=(Finding(id="WA401", message=ESCAPES, help=ESCAPES),),
    )
    text = render_check([hostile], file=ESCAPES, written=[ESCAPES], width=80, color=False)
    assert all(char.isprintable() for line in text.split("\n") for char in line)


def build_hostile(text: str) -> tuple[CheckLine, ...]:
    """Return entries in which every text that is not ours is ``text``."""
    finding = Finding(id="WA401", message=text, requirements=(text,), wheels=(text,), help=text)
    stale = replace(STALE, file=text, name=text, version=text, label=text, findings=(finding,), ignored=(text,))
    return (
        stale,
        replace(stale, mended=True),
        replace(stale, ours=False, findings=(replace(finding, requirements=(), help=""),)),
        replace(stale, status="failed", findings=(), error=text),
        *(replace(stale, status=status, findings=()) for status in ("unknown", "current")),
    )


def validate(text: str) -> Any:
    assert text.isascii()
    document = json.loads(text)
    Draft202012Validator(SCHEMA).validate(document)
    return document


def test_schema_is_itself_valid_and_describes_every_key() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for name, definition in [("document", SCHEMA), *SCHEMA["$defs"].items()]:
        assert definition["additionalProperties"] is False, name
        assert definition["required"] == list(definition["properties"]), name
        for key, described in definition["properties"].items():
            assert described.get("description") or "$ref" in described, f"{name}.{key}"


def test_json_says_the_same_and_obeys_its_schema() -> None:
    document = validate(render_check_json(ALL, file="pyproject.toml", written=["pyproject.toml"]))
    assert [entry["status"] for entry in document["entries"]] == [line.status for line in ALL]
    assert document["entries"][0] == {
        "name": "torch",
        "version": "2.6.0+cu126",
        "file": "pyproject.toml",
        "line": 12,
        "ours": True,
        "status": "current",
        "findings": [],
        "environments": 84,
        "ignored": [],
        "error": None,
        "remedy": None,
        "mended": False,
    }
    assert document["entries"][1]["findings"][0]["requirements"] == ["triton==3.2.0"]
    assert document["written"] == ["pyproject.toml"]


def test_json_of_nothing() -> None:
    assert validate(render_check_json((), file="pyproject.toml", written=()))["entries"] == []
