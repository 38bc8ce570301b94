"""The JSON of `wheelaudit lock`, held against its published schema."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from jsonschema import Draft202012Validator

from tests.report.examples import LOST
from tests.report.hostile import hostile_text
from tests.report.test_lock import REPORT, RIGHT, build, build_hostile
from wheelaudit.report.lock import LockReport
from wheelaudit.report.lock_json import read_lock_schema, render_lock_json

SCHEMA = json.loads(read_lock_schema())


def read(report: LockReport) -> Any:
    text = render_lock_json(report)
    assert text.isascii()
    assert text.endswith("}\n")
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


def test_report_tells_all_and_keeps_the_order_of_the_schema() -> None:
    document = read(REPORT)
    assert list(document) == list(SCHEMA["properties"])
    assert (document["schema"], document["lock"], document["kind"]) == (1, "uv.lock", "uv.lock")
    assert document["summary"] == {
        "releases": 9,
        "right": 1,
        "wrong": 2,
        "unknown": 1,
        "skipped": 4,
        "failed": 1,
        "wheels": 115,
        "read": 111,
    }
    torch = document["releases"][1]
    assert list(torch) == list(SCHEMA["$defs"]["release"]["properties"])
    (finding,) = torch["findings"]
    assert list(finding) == list(SCHEMA["$defs"]["finding"]["properties"])
    assert finding["requirements"] == LOST
    assert finding["environments"] == "linux x86_64, CPython 3.10-3.13"
    assert [each["status"] for each in document["releases"]] == [line.status for line in REPORT.lines]
    assert document["releases"][5]["reason"] == "the project itself"


def test_what_is_right_and_what_is_empty_obey_the_schema() -> None:
    assert read(RIGHT)["summary"]["right"] == 1
    assert read(build())["releases"] == []
    assert read(build(written=("pyproject.toml",)))["written"] == ["pyproject.toml"]


@given(hostile_text)
def test_hostile_report_obeys_the_schema(text: str) -> None:
    assert read(build_hostile(text))["notes"] == [text]
